{#-
    The rows of a staging model with the person in place of each customer, for models of the intermediate layer. Without
    identities, the staging model itself.
-#}

{% macro of_persons(name) %}
    {%- set staged = ref('stg_' ~ name) -%}
    {%- if not has_identities() -%}{{ return(staged) }}{%- endif -%}
    {%- set columns = canonical_columns(name) | map(attribute='name') | list -%}
    {%- set columns = columns + {'events': ['reject_reason'], 'campaigns': ['is_randomised']}.get(name, []) -%}
    (
        select
            {%- for column in columns if column != 'customer_id' %}
            staged.{{ column }},
            {%- endfor %}
            coalesce(persons.person_key, staged.customer_id) as customer_id
        from {{ staged }} as staged
        left join (select record_id, person_key from {{ ref('int_persons') }} where record_id <> person_key) as persons
            on staged.customer_id = persons.record_id
    )
{% endmacro %}


{#- The order lines that everything is built from: of persons, if the source has identities. -#}

{% macro lines_of_persons() %}
    {{ return(ref('int_order_lines__of_persons') if has_identities() else ref('stg_order_lines')) }}
{% endmacro %}
