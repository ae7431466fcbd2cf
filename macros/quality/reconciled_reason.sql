{#- Why a line of `screened`, with `reversed_lines` joined to it, does not reach the marts; `accepted` if it does. -#}

{% macro reconciled_reason() -%}
    case
            when screened.reject_reason = 'excluded' and screened.exclude_reason is not null
                then concat('excluded: ', screened.exclude_reason)
            when screened.reject_reason is not null then screened.reject_reason
            when reversed_lines.order_id is not null then 'reversed_purchase'
            else 'accepted'
        end
{%- endmacro %}
