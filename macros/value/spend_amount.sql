{#- Amount of a purchase day if the spend model counts it, else null; of columns `order_date`, `first_date`, `net_amount`. -#}

{% macro spend_amount() -%}
    case when order_date > first_date or {{ first_orders() }} = 1 then net_amount end
{%- endmacro %}
