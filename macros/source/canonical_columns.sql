{#-
    The canonical columns of the raw tables that staging reads: name, type, and the kind of their values (key, text,
    number, timestamp). `clientele.sources.columns` has the same list, with what a mapping must name. The values of a
    customer's attributes stay texts here, as the source has them: `int_customer_attributes` reads them.
-#}

{% macro canonical_columns(name) %}
    {% set columns = {
        'order_lines': [
            {'name': 'order_id', 'type': 'string', 'kind': 'key'},
            {'name': 'customer_id', 'type': 'string', 'kind': 'key'},
            {'name': 'product_id', 'type': 'string', 'kind': 'key'},
            {'name': 'ordered_at', 'type': 'timestamp', 'kind': 'timestamp'},
            {'name': 'quantity', 'type': 'decimal(18, 3)', 'kind': 'number'},
            {'name': 'unit_price', 'type': 'decimal(18, 4)', 'kind': 'number'},
            {'name': 'line_amount', 'type': 'decimal(18, 4)', 'kind': 'number'},
            {'name': 'product_name', 'type': 'string', 'kind': 'text'},
            {'name': 'category', 'type': 'string', 'kind': 'text'},
            {'name': 'channel', 'type': 'string', 'kind': 'text'},
            {'name': 'country', 'type': 'string', 'kind': 'text'},
            {'name': 'currency', 'type': 'string', 'kind': 'text'},
            {'name': 'discount_amount', 'type': 'decimal(18, 4)', 'kind': 'number'},
            {'name': 'refunded_amount', 'type': 'decimal(18, 4)', 'kind': 'number'},
            {'name': 'unit_cost', 'type': 'decimal(18, 4)', 'kind': 'number'},
            {'name': 'promotion_id', 'type': 'string', 'kind': 'text'},
            {'name': 'line_id', 'type': 'string', 'kind': 'text'},
        ],
        'products': [
            {'name': 'product_id', 'type': 'string', 'kind': 'key'},
            {'name': 'product_name', 'type': 'string', 'kind': 'text'},
            {'name': 'category', 'type': 'string', 'kind': 'text'},
            {'name': 'unit_cost', 'type': 'decimal(18, 4)', 'kind': 'number'},
        ],
        'campaigns': [
            {'name': 'campaign_id', 'type': 'string', 'kind': 'key'},
            {'name': 'customer_id', 'type': 'string', 'kind': 'key'},
            {'name': 'arm', 'type': 'string', 'kind': 'text'},
            {'name': 'assigned_at', 'type': 'timestamp', 'kind': 'timestamp'},
            {'name': 'sent_at', 'type': 'timestamp', 'kind': 'timestamp'},
            {'name': 'channel', 'type': 'string', 'kind': 'text'},
            {'name': 'cost', 'type': 'decimal(18, 4)', 'kind': 'number'},
            {'name': 'segment', 'type': 'string', 'kind': 'text'},
        ],
        'events': [
            {'name': 'customer_id', 'type': 'string', 'kind': 'key'},
            {'name': 'device_id', 'type': 'string', 'kind': 'key'},
            {'name': 'occurred_at', 'type': 'timestamp', 'kind': 'timestamp'},
            {'name': 'event_type', 'type': 'string', 'kind': 'text'},
            {'name': 'product_id', 'type': 'string', 'kind': 'key'},
            {'name': 'page', 'type': 'string', 'kind': 'text'},
            {'name': 'channel', 'type': 'string', 'kind': 'text'},
            {'name': 'session_id', 'type': 'string', 'kind': 'key'},
        ],
        'customers': [
            {'name': 'customer_id', 'type': 'string', 'kind': 'key'},
            {'name': 'consent', 'type': 'string', 'kind': 'text'},
        ],
        'reviews': [
            {'name': 'review_id', 'type': 'string', 'kind': 'key'},
            {'name': 'customer_id', 'type': 'string', 'kind': 'key'},
            {'name': 'product_id', 'type': 'string', 'kind': 'key'},
            {'name': 'written_at', 'type': 'timestamp', 'kind': 'timestamp'},
            {'name': 'rating', 'type': 'string', 'kind': 'text'},
            {'name': 'text', 'type': 'string', 'kind': 'text'},
        ],
        'order_totals': [
            {'name': 'order_id', 'type': 'string', 'kind': 'key'},
            {'name': 'ordered_at', 'type': 'timestamp', 'kind': 'timestamp'},
            {'name': 'currency', 'type': 'string', 'kind': 'text'},
            {'name': 'exclude_reason', 'type': 'string', 'kind': 'text'},
            {'name': 'discount_amount', 'type': 'decimal(18, 4)', 'kind': 'number'},
            {'name': 'refund_amount', 'type': 'decimal(18, 4)', 'kind': 'number'},
            {'name': 'shipping_amount', 'type': 'decimal(18, 4)', 'kind': 'number'},
            {'name': 'tax_amount', 'type': 'decimal(18, 4)', 'kind': 'number'},
            {'name': 'tip_amount', 'type': 'decimal(18, 4)', 'kind': 'number'},
            {'name': 'gift_card_amount', 'type': 'decimal(18, 4)', 'kind': 'number'},
            {'name': 'total_amount', 'type': 'decimal(18, 4)', 'kind': 'number'},
        ],
    } %}
    {%- if name == 'customers' %}
        {%- for attribute in customer_attributes() if attribute['name'] != 'consent' %}
            {%- do columns['customers'].append({'name': attribute['name'], 'type': 'string', 'kind': attribute['read_as']}) %}
        {%- endfor %}
    {%- endif %}
    {%- for table in ['order_lines', 'customers'] if table == name %}
        {%- for kind in identity_columns(table) %}
            {%- do columns[table].append({'name': 'match_' ~ kind, 'type': 'string', 'kind': 'text'}) %}
        {%- endfor %}
    {%- endfor %}
    {{ return(columns[name] if name else columns) }}
{% endmacro %}


{#- What the columns of a raw table are mapped to, those of its attributes and identifiers among them. -#}

{% macro mapping_of(name) %}
    {%- set table = var('source')['tables'].get(name) or {} -%}
    {%- set mapping = dict(table.get('columns') or {}) -%}
    {%- if name == 'customers' -%}
        {%- for attribute, said in (table.get('attributes') or {}).items() -%}
            {%- do mapping.update({attribute: said['column']}) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- for kind, said in (table.get('identities') or {}).items() -%}
        {%- do mapping.update({'match_' ~ kind: said}) -%}
    {%- endfor -%}
    {{ return(mapping) }}
{% endmacro %}
