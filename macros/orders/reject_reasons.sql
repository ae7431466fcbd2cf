{#-
    The branches of a `case` that name why a line of `lines`, with `product_codes` joined to it, cannot count, whatever the
    other lines are. Lines are screened by them, and lines that they reject do not decide which day is today.

    `value_reasons` are about single values, `kind_reasons` about what the line is.
-#}

{% macro value_reasons(lines) -%}
            when {{ lines }}.order_id is null then 'missing_order_id'
            when {{ lines }}.product_id is null then 'missing_product_id'
            when
                {{ lines }}.ordered_at is null
                or {{ lines }}.ordered_at < {{ dbt.string_literal(var('earliest_order_date')) }}
                then 'invalid_timestamp'
            when {{ lines }}.quantity is null or {{ lines }}.quantity = 0 then 'invalid_quantity'
            when {{ lines }}.unit_price is null then 'invalid_price'
{%- endmacro %}

{% macro kind_reasons(lines) -%}
{%- set rules = var('source').get('rules') or {} -%}
{%- set currencies = [var('source')['currency']] + (var('source').get('currencies') or {}) | list -%}
            when {{ lines }}.currency not in ('{{ currencies | join("', '") }}') then 'unknown_currency'
            when product_codes.kind = 'test' then 'test_row'
            {%- if rules.get('adjustment_order_pattern') %}
            when {{ matches(lines ~ '.order_id', text_literal(rules['adjustment_order_pattern'])) }}
                then 'adjustment'
            {%- endif %}
            when product_codes.kind = 'non_product' then 'non_product'
            when {{ lines }}.unit_price < 0 then 'negative_price'
            when {{ lines }}.unit_price = 0 then 'zero_price'
{%- endmacro %}
