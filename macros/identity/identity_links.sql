{#-
    The CTEs from `records` and `overrides` to `links`, which `connected_records` reads: the keys that records share,
    with a row of each record by itself (`self`) and the overrides (`forced`, `different`). `kept` says which keys count.
-#}

{% macro identity_links(kinds) %}
-- A guest's record may be named after any of its orders.
names as (

    select distinct
        case when order_id is null then record_id else concat('guest-order ', order_id) end as said_id,
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
        on overrides.record_id = first_names.said_id

    inner join names as second_names
        on overrides.other_record_id = second_names.said_id

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
        select record_id from kept
        where is_kept
        union all
        select record_id from pairs
        union all
        select other_record_id as record_id from pairs
    ) as linked

)
{%- endmacro %}
