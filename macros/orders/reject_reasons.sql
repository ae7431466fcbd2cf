{#-
    The branches of a `case` that name why a line of `lines`, with `product_codes` joined to it, cannot count, whatever the
    other lines are. Lines are screened by them, and lines that they reject do not decide which day is today.

    `value_reasons` are about single values, `kind_reasons` about what the line is.
-#}

{% macro value_reasons(lines) -%}
            when {{ lines }}.reject_reason is not null then {{ lines }}.reject_reason
            when {{ lines }}.order_id is null then 'missing_order_id'
            when
                {{ lines }}.ordered_at is null
                or {{ lines }}.ordered_at < {{ dbt.string_literal(var('earliest_order_date')) }}
                then 'invalid_timestamp'
            {#- A barcode in place of a quantity would give amounts that no column holds. #}
            when coalesce({{ lines }}.quantity, 0) = 0 or abs({{ lines }}.quantity) > 1000000000 then 'invalid_quantity'
            when {{ in_source_currency(line_amount(lines)) }} is null or abs({{ lines }}.unit_price) > 1000000000000 then 'invalid_price'
{%- endmacro %}

{% macro kind_reasons(lines) -%}
{%- set rules = var('source').get('rules') or {} -%}
{%- set table = var('source').get('tables', {}).get('order_lines', {}) -%}
{%- set currencies = [var('source')['currency']] + (var('source').get('currencies') or {}) | list -%}
            when {{ lines }}.currency not in ('{{ currencies | join("', '") | upper }}') then 'unknown_currency'
            when product_codes.kind = 'test' then 'test_row'
            {%- if rules.get('adjustment_order_pattern') %}
            when {{ matches(lines ~ '.order_id', text_literal(rules['adjustment_order_pattern'])) }}
                then 'adjustment'
            {%- endif %}
            when product_codes.kind = 'non_product' then 'non_product'
            {#- A negative price gives money back, unless the quantity is negative too. #}
            when {{ has_negative_price(lines) }}{{ ' and ' ~ lines ~ '.quantity < 0' if gives_money_back() }} then 'negative_price'
            {%- if table.get('zero_prices') != 'keep' %}
            when coalesce({{ lines }}.line_amount, {{ lines }}.unit_price) = 0 then 'zero_price'
            {%- endif %}
{%- endmacro %}


{#- Whether a line's price, or amount divided by quantity, is below zero. -#}

{% macro has_negative_price(lines) -%}
    coalesce({{ lines }}.line_amount * sign({{ lines }}.quantity), {{ lines }}.unit_price) < 0
{%- endmacro %}


{#- Whether lines with a negative price count as money given back. -#}

{% macro gives_money_back() -%}
    {{ return(var('source').get('tables', {}).get('order_lines', {}).get('negative_prices') != 'reject') }}
{%- endmacro %}


{#-
    The amount of a line before discounts: as the source states it, or quantity times price. Quantity has fewer digits than
    its column, so that the product fits; null if it is more than money can be.
-#}

{% macro line_amount(lines) -%}
    coalesce(
        {{ lines }}.line_amount,
        case
            {#- Nearly every line. DuckDB takes ten times as long for the wide product, and this one has room below 10^11. #}
            when abs({{ lines }}.quantity) < 100000 and abs({{ lines }}.unit_price) < 1000000
                then cast({{ lines }}.quantity * {{ lines }}.unit_price as decimal(18, 4))
            else try_cast(cast({{ lines }}.quantity as decimal(20, 3)) * {{ lines }}.unit_price as decimal(18, 4))
        end
    )
{%- endmacro %}
