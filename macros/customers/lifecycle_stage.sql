{#- The stage of a customer who has bought, by the days since the first and since the last purchase. -#}

{% macro lifecycle_stage(tenure_days, recency_days) -%}
    case
        when {{ tenure_days }} <= {{ var('lifecycle_new_days') }} then 'new'
        when {{ recency_days }} <= {{ var('lifecycle_active_days') }} then 'active'
        when {{ recency_days }} <= {{ var('lifecycle_lapsed_days') }} then 'lapsing'
        else 'lapsed'
    end
{%- endmacro %}
