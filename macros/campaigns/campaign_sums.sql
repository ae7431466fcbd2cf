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
