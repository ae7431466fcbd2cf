{#-
    What an experiment's arithmetic needs of each metric: sums of the outcome y, of the same before the assignment x, and of
    their squares and products.
-#}

{% macro campaign_sums() -%}
    {%- for metric in campaign_metrics() %}
        sum({{ metric }}_after) as {{ metric }}_y,
        sum({{ metric }}_after * {{ metric }}_after) as {{ metric }}_yy,
        sum({{ metric }}_before) as {{ metric }}_x,
        sum({{ metric }}_before * {{ metric }}_before) as {{ metric }}_xx,
        sum({{ metric }}_after * {{ metric }}_before) as {{ metric }}_xy
        {{- ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}


{#- The metrics of a campaign. -#}

{% macro campaign_metrics() %}
    {{ return(['orders', 'revenue', 'margin', 'conversion']) }}
{% endmacro %}


{#- In how many parts members are summed, so that one part of about four million needs memory at a time. -#}

{% macro campaign_blocks() %}
    {%- if not execute or sum_blocks(2) == 1 -%}{{ return(1) }}{%- endif -%}
    {%- set places = [] -%}
    {%- set table = (var('source').get('tables') or {}).get('campaigns') or {} -%}
    {%- if table and not table.get('seed') -%}{%- do places.append(raw_location('campaigns')) -%}{%- endif -%}
    {%- if var('campaign_exports', none) -%}
        {%- do places.append(read_files('campaign_exports', var('campaign_exports'))) -%}
    {%- endif -%}
    {%- set rows = [] -%}
    {%- for place in places -%}
        {%- do rows.append(run_query('select count(*) from ' ~ place).columns[0].values()[0] | int) -%}
    {%- endfor -%}
    {{ return(1 + rows | sum // 4000000) }}
{% endmacro %}
