{#-
    What an experiment's arithmetic needs of each metric: sums of the outcome y, of the same before the assignment x, and of
    their squares and products. Amounts are added up as decimals, so that no sum depends on the order of its rows.
-#}

{% macro campaign_sums() -%}
    {%- for metric in campaign_metrics() %}
        cast(sum({{ metric }}_after) as double) as {{ metric }}_y,
        cast(sum({{ campaign_product(metric, 'after', 'after') }}) as double) as {{ metric }}_yy,
        cast(sum({{ metric }}_before) as double) as {{ metric }}_x,
        cast(sum({{ campaign_product(metric, 'before', 'before') }}) as double) as {{ metric }}_xx,
        cast(sum({{ campaign_product(metric, 'after', 'before') }}) as double) as {{ metric }}_xy
        {{- ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}


{#- A metric after or before the assignment times itself or the other. -#}

{% macro campaign_product(metric, first, second) -%}
    {%- set amount = metric ~ '_' ~ first -%}
    {{ wide_amount(amount) if metric in ('revenue', 'margin') else amount }} * {{ metric }}_{{ second }}
{%- endmacro %}


{#-
    An amount whose product with another one fits whatever both are. DuckDB keeps the product of two decimals of 18 digits in
    18 digits, and stops at amounts from 300,000 on.
-#}

{% macro wide_amount(amount) -%}
    cast({{ amount }} as decimal(19, 4))
{%- endmacro %}


{#- The metrics of a campaign. -#}

{% macro campaign_metrics() %}
    {{ return(['orders', 'revenue', 'margin', 'conversion']) }}
{% endmacro %}
