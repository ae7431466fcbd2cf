{#- What a customer bought in the window after the assignment, and in as many days before it, for `feat_campaign_strata`. -#}

{% macro window_sums() -%}
    {%- set start = dbt.dateadd('day', '-people.window_days', 'people.assigned_date') -%}
    {%- for metric, value in {'orders': 'order_count', 'revenue': 'net_amount', 'margin': 'margin_amount'}.items() %}
        cast(
            coalesce(sum(case when bought.order_date >= people.assigned_date then bought.{{ value }} end), 0) as decimal(18, 4)
        ) as {{ metric }}_after,
        cast(
            coalesce(sum(
                case
                    when bought.order_date < people.assigned_date and bought.order_date >= {{ start }}
                        then bought.{{ value }}
                end
            ), 0) as decimal(18, 4)
        ) as {{ metric }}_before
        {{- ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}
