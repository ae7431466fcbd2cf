{#-
    What an experiment's arithmetic needs of each metric: sums of the outcome y, of the same before the assignment x, and of
    their squares and products. Amounts are added up as decimals, so that no sum depends on the order of its rows.
-#}

{% macro campaign_sums() -%}
    {%- for metric in campaign_metrics() %}
        cast(sum({{ metric }}_after) as double) as {{ metric }}_y,
        cast(sum({{ metric }}_after * {{ metric }}_after) as double) as {{ metric }}_yy,
        cast(sum({{ metric }}_before) as double) as {{ metric }}_x,
        cast(sum({{ metric }}_before * {{ metric }}_before) as double) as {{ metric }}_xx,
        cast(sum({{ metric }}_after * {{ metric }}_before) as double) as {{ metric }}_xy
        {{- ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}


{#- The metrics of a campaign. -#}

{% macro campaign_metrics() %}
    {{ return(['orders', 'revenue', 'margin', 'conversion']) }}
{% endmacro %}
