{#-
    The complete SQL of `stg_events`. Where the spellings of customers in the order lines were settled, those of events are
    too.
-#}

{% macro event_rows() %}
    {%- set spelled = execute and not is_imported('events') and 'customer_spellings' in raw_tables() -%}
    {%- if not spelled %}
    {{ canonical_select('events') }}
    {%- else %}
    select
        {%- for column in canonical_columns('events') %}
        {{ 'coalesce(spelled.spelling, events.customer_id) as customer_id' if column['name'] == 'customer_id' else 'events.' ~ column['name'] }},
        {%- endfor %}
        events.reject_reason
    from ({{ canonical_select('events') }}) as events
    left join raw.customer_spellings as spelled
        on events.customer_id = spelled.customer_id
    {%- endif %}
{% endmacro %}
