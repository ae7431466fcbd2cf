{#-
    The key of an order line as text. Models join lines by its three columns, which are stored anyway. The text is rendered
    only where readers need it; stored for every line, it would be the widest column.
-#}

{% macro order_line_id(order_id='order_id', product_id='product_id', line_number='line_number') -%}
    concat_ws('|', coalesce({{ order_id }}, ''), coalesce({{ product_id }}, ''), {{ line_number }})
{%- endmacro %}
