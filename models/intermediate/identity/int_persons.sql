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

-- A guest's record may be named after any of its orders.
names as (

    select distinct
        case when order_id is null then record_id else concat('guest-order ', order_id) end as name,
        record_id

    from records

),

pairs as (

    select
        overrides.decision,
        first_names.record_id,
        second_names.record_id as other_record_id,
        concat(first_names.record_id, ' | ', second_names.record_id) as link

    from overrides

    inner join names as first_names
        on overrides.record_id = first_names.name

    inner join names as second_names
        on overrides.other_record_id = second_names.name

    where first_names.record_id <> second_names.record_id

),

keys as (
    {% for kind in kinds %}

    select distinct
        record_id,
        '{{ kind }}' as kind,
        concat('{{ kind }} ', {{ kind }}) as link
    from records
    where {{ kind }} is not null
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

counted as (

    select
        *,
        count(*) over (partition by kind, link) as record_count

    from keys

),

-- A key that more records share than a person has does not count.
shared as (

    select
        *,
        record_count <= {{ var('identities_max_records') }} as is_personal

    from counted

    where record_count > 1

),

-- Of two records that must stay apart, the first gives up the keys that it shares with the other.
given_up as (

    select distinct
        shared.record_id,
        shared.kind,
        shared.link

    from shared

    inner join pairs
        on shared.record_id = pairs.record_id and pairs.decision = 'different'

    inner join shared as theirs
        on pairs.other_record_id = theirs.record_id and shared.kind = theirs.kind and shared.link = theirs.link

),

kept as (

    select
        shared.record_id,
        shared.kind,
        shared.link,
        shared.is_personal and given_up.record_id is null as is_kept

    from shared

    left join given_up
        on shared.record_id = given_up.record_id and shared.kind = given_up.kind and shared.link = given_up.link

),

links as (

    select
        record_id,
        kind,
        link
    from kept
    where is_kept

    union all

    select
        record_id,
        case when decision = 'same' then 'forced' else 'different' end as kind,
        link
    from pairs

    union all

    select
        other_record_id as record_id,
        case when decision = 'same' then 'forced' else 'different' end as kind,
        link
    from pairs

    union all

    select distinct
        record_id,
        'self' as kind,
        concat('self ', record_id) as link
    from (
        select record_id from kept where is_kept
        union all
        select record_id from pairs
        union all
        select other_record_id as record_id from pairs
    ) as linked

),

{{ connected_records(kinds) }},

-- Why records belong together, and which of their links do not count.
reasons as (

    select
        record_id,
        max(case when kind = 'self' then label end) as label,
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
        coalesce(reasons.label, md5(known.record_id)) as label,
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
        partition by label
        order by case when first_at is null then 1 else 0 end, first_at, record_id
        rows between unbounded preceding and unbounded following
    ) as person_key,
    count(*) over (partition by label) as person_record_count,
    first_value(first_at) over (
        partition by label
        order by case when first_at is null then 1 else 0 end, first_at, record_id
        rows between unbounded preceding and unbounded following
    ) as person_first_at,
    matched_by,
    not_matched_by

from labelled
