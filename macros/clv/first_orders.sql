{#- First purchase days that the spend model counts besides the repeat ones: 1 where `clv_spend_orders` is all. -#}

{% macro first_orders() -%}
    {{ 1 if var('clv_spend_orders') == 'all' else 0 }}
{%- endmacro %}
