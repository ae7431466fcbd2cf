{#- Who visits: the device, or the customer where none is known. The prefix distinguishes them. -#}

{% macro visitor_id(rows) -%}
    case when {{ rows }}.device_id is null then concat('customer ', {{ rows }}.customer_id) else concat('device ', {{ rows }}.device_id) end
{%- endmacro %}
