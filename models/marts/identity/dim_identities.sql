{{ config(enabled=has_identities()) }}

with

persons as (

    select * from {{ ref('int_persons') }}

)

select
    record_id,
    case when is_guest then 'guest' else 'customer' end as record_kind,
    person_key,
    cast(first_at as date) as first_order_date,
    cast(person_record_count as int) as person_record_count

from persons
