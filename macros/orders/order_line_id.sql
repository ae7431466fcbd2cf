{#-
    The key of an order line as text. Models join lines by its three columns, which are stored anyway, and render the text
    only where somebody reads it: stored for every line it would be the widest column of all.
-#}

{% macro order_line_id(order_id='order_id', product_id='product_id', line_number='line_number') -%}
    concat_ws('|', coalesce({{ order_id }}, ''), coalesce({{ product_id }}, ''), {{ line_number }})
{%- endmacro %}
