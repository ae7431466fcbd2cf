{#- The month of a day in the accounts; 1000-01-01 if the day is missing or before the earliest plausible one. -#}

{% macro reconciled_month(day) -%}
    coalesce(
            cast(date_trunc('month', case when {{ day }} >= cast({{ dbt.string_literal(var('earliest_order_date')) }} as date) then {{ day }} end) as date),
            date '1000-01-01'
        )
{%- endmacro %}
