{#- The currency of a line in the accounts: its own, or that of the source. -#}

{% macro reconciled_currency(code='currency') -%}
    coalesce({{ code }}, {{ dbt.string_literal(var('source')['currency'] | upper) }})
{%- endmacro %}
