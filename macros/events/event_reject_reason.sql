{#- The `case` that names why a row of `events`, with the row of `as_of`, cannot count; null if it can. -#}

{% macro event_reject_reason() -%}
    case
        {%- for outcome in event_reasons() if outcome['when'] %}
        when {{ outcome['when'] }} then '{{ outcome['reason'] }}'
        {%- endfor %}
    end
{%- endmacro %}
