{#- First purchase days that the spend model counts in addition to the repeat ones: 1 if `clv_spend_orders` is all, else 0. -#}

{% macro first_orders() -%}
    {%- if var('clv_spend_orders') not in ['repeat', 'all'] -%}
        {%- do exceptions.raise_compiler_error("clv_spend_orders='" ~ var('clv_spend_orders') ~ "' is none of repeat, all") -%}
    {%- endif -%}
    {{ 1 if var('clv_spend_orders') == 'all' else 0 }}
{%- endmacro %}
