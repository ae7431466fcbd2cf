{#- The quantity of a raw line, negative for lines of cancellations and for lines that give money back. -#}

{% macro signed_quantity(lines) -%}
    {%- set cancelled = (var('source').get('rules') or {}).get('cancellation_order_pattern') -%}
    {%- if not cancelled and not gives_money_back() -%}
        {{ lines }}.quantity
    {%- else -%}
        case
            {%- if cancelled %}
            when {{ matches(lines ~ '.order_id', text_literal(cancelled)) }} then -abs({{ lines }}.quantity)
            {%- endif %}
            {%- if gives_money_back() %}
            when {{ has_negative_price(lines) }} then -abs({{ lines }}.quantity)
            {%- endif %}
            else {{ lines }}.quantity
        end
    {%- endif -%}
{%- endmacro %}


{#- The price of one unit of a raw line: as the source states it, or the line's amount divided by its quantity. -#}

{% macro unit_price(lines) -%}
    coalesce({{ lines }}.unit_price, cast({{ lines }}.line_amount / nullif({{ lines }}.quantity, 0) as decimal(18, 4)))
{%- endmacro %}
