{{ config(enabled=has_identities(), materialized='table') }}
{%- set kinds = identity_kinds() %}

with

records as (

    select * from {{ ref('int_identity_records') }}

),

overrides as (

    select * from {{ ref('identity_overrides') }}
    where source in ('*', {{ text_literal(var('source')['name']) }})

),

{{ identity_links(kinds) }},

{{ connected_records(kinds) }},

-- Why records belong together, and which of their links do not count.
reasons as (

    select
        record_id,
        max(case when kind = 'self' then person_label end) as person_label,
        concat_ws(
            ' + '
            {%- for kind in ['forced'] + kinds %},
            max(case when kind = '{{ kind }}' and is_used and record_count > 1 then '{{ kind }}' end)
            {%- endfor %}
        ) as matched_by,
        concat_ws(
            ' + '
            {%- for kind in kinds %},
            max(case when kind = '{{ kind }}' and not is_used then '{{ kind }}' end)
            {%- endfor %}
        ) as dropped_by

    from (
        select
            *,
            count(*) over (partition by link, is_used) as record_count
        from connected
    ) as with_counts

    group by record_id

),

refused as (

    select
        record_id,
        concat_ws(
            ' + '
            {%- for kind in kinds %},
            max(case when kind = '{{ kind }}' then '{{ kind }}' end)
            {%- endfor %}
        ) as refused_by

    from kept

    where not is_kept

    group by record_id

),

known as (

    select
        record_id,
        max(case when order_id is null then 0 else 1 end) = 1 as is_guest,
        min(first_at) as first_at

    from records

    group by record_id

),

labelled as (

    select
        known.record_id,
        known.is_guest,
        known.first_at,
        coalesce(reasons.person_label, md5(known.record_id)) as person_label,
        nullif(reasons.matched_by, '') as matched_by,
        nullif(concat_ws(' + ', nullif(reasons.dropped_by, ''), refused.refused_by), '') as not_matched_by

    from known

    left join reasons
        on known.record_id = reasons.record_id

    left join refused
        on known.record_id = refused.record_id

)

-- The elder is who was first seen. A record that was never seen on a day is younger than all that were.
select
    record_id,
    is_guest,
    first_at,
    first_value(record_id) over (
        partition by person_label
        order by case when first_at is null then 1 else 0 end, first_at, record_id
        rows between unbounded preceding and unbounded following
    ) as person_key,
    count(*) over (partition by person_label) as person_record_count,
    first_value(first_at) over (
        partition by person_label
        order by case when first_at is null then 1 else 0 end, first_at, record_id
        rows between unbounded preceding and unbounded following
    ) as person_first_at,
    matched_by,
    not_matched_by

from labelled
