{#-
    The canonical columns of each raw table: name, type, whether the mapping must name them, and the kind of their values
    (key, text, number, timestamp). Staging and the source check both read this list; no other place repeats it.
-#}

{% macro canonical_columns(name) %}
    {% set columns = {
        'order_lines': [
            {'name': 'order_id', 'type': 'string', 'kind': 'key', 'required': true},
            {'name': 'customer_id', 'type': 'string', 'kind': 'key', 'required': true},
            {'name': 'product_id', 'type': 'string', 'kind': 'key', 'required': true},
            {'name': 'ordered_at', 'type': 'timestamp', 'kind': 'timestamp', 'required': true},
            {'name': 'quantity', 'type': 'decimal(18, 3)', 'kind': 'number', 'required': true},
            {'name': 'unit_price', 'type': 'decimal(18, 4)', 'kind': 'number', 'required': true},
            {'name': 'product_name', 'type': 'string', 'kind': 'text', 'required': false},
            {'name': 'category', 'type': 'string', 'kind': 'text', 'required': false},
            {'name': 'channel', 'type': 'string', 'kind': 'text', 'required': false},
            {'name': 'country', 'type': 'string', 'kind': 'text', 'required': false},
            {'name': 'currency', 'type': 'string', 'kind': 'text', 'required': false},
            {'name': 'discount_amount', 'type': 'decimal(18, 4)', 'kind': 'number', 'required': false},
            {'name': 'unit_cost', 'type': 'decimal(18, 4)', 'kind': 'number', 'required': false},
            {'name': 'promotion_id', 'type': 'string', 'kind': 'text', 'required': false},
        ],
        'products': [
            {'name': 'product_id', 'type': 'string', 'kind': 'key', 'required': true},
            {'name': 'product_name', 'type': 'string', 'kind': 'text', 'required': false},
            {'name': 'category', 'type': 'string', 'kind': 'text', 'required': false},
            {'name': 'unit_cost', 'type': 'decimal(18, 4)', 'kind': 'number', 'required': false},
        ],
    } %}
    {{ return(columns[name] if name else columns) }}
{% endmacro %}
