{{ config(enabled=has_identities()) }}

with

persons as (

    select * from {{ ref('int_persons') }}
    where record_id <> person_key or not_matched_by is not null

)

select
    record_id,
    person_key,
    case when record_id <> person_key then 'merged' else 'kept' end as decision,
    matched_by,
    not_matched_by,
    cast(case when record_id <> person_key and first_at is not null then greatest(first_at, person_first_at) end as date)
        as merged_date,
    cast(person_record_count as int) as person_record_count

from persons
