{#- Who visits: the device, or the customer where none is known. A prefix keeps the two apart. -#}

{% macro visitor_id(rows) -%}
    case when {{ rows }}.device_id is null then concat('customer ', {{ rows }}.customer_id) else concat('device ', {{ rows }}.device_id) end
{%- endmacro %}
