{{ config(enabled=has_identities()) }}
{%- set columns = canonical_columns('order_lines') | map(attribute='name') | list + ['reject_reason', 'exclude_reason'] %}

with

order_lines as (

    select * from {{ ref('stg_order_lines') }}

),

persons as (

    select
        record_id,
        person_key
    from {{ ref('int_persons') }}
    where record_id <> person_key

),

{%- if identity_columns('order_lines') %}

guests as (

    select
        records.order_id,
        coalesce(persons.person_key, records.record_id) as person_key

    from {{ ref('int_identity_records') }} as records

    left join persons
        on records.record_id = persons.record_id

    where records.order_id is not null

),
{%- endif %}

of_persons as (

    select
        {%- for column in columns if column != 'customer_id' %}
        order_lines.{{ column }},
        {%- endfor %}
        coalesce(
            persons.person_key,
            order_lines.customer_id
            {%- if identity_columns('order_lines') %},
            guests.person_key
            {%- endif %}
        ) as customer_id

    from order_lines

    left join persons
        on order_lines.customer_id = persons.record_id

    {%- if identity_columns('order_lines') %}

    left join guests
        on order_lines.order_id = guests.order_id and order_lines.customer_id is null
    {%- endif %}

)

select * from of_persons
