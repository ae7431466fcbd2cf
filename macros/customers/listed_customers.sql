{#-
    The complete SQL of `stg_customers`. Where the spellings of customers in the order lines were settled, theirs are too.
-#}

{% macro listed_customers() %}
    {%- set spelled = execute and not is_imported('customers') and 'customer_spellings' in raw_tables() -%}
    select
        {%- for column in canonical_columns('customers') if column['name'] != 'customer_id' %}
        listed.{{ column['name'] }},
        {%- endfor %}
        {{ 'coalesce(spelled.spelling, listed.customer_id)' if spelled else 'listed.customer_id' }} as customer_id
    from ({{ canonical_select('customers') }}) as listed
    {%- if spelled %}
    left join raw.customer_spellings as spelled
        on listed.customer_id = spelled.customer_id
    {%- endif %}
{% endmacro %}
