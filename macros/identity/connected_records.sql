{#-
    The CTEs that give the records of one person the same label, up to `connected`, over the CTE `links`: `record_id`,
    `kind` and `link` (records with one link belong together), a row of the kind `self` for each record, and rows of the
    kind `different` for records that must stay apart (one link for both).

    A round gives the records of a link the smallest label among them, and then all records of a label what one of them
    has got: labels are hashes, so each round leaves about half of them. A person with more than
    `identities_max_records` records, or with two that must stay apart, loses the links of the weakest kind, then those
    of the next one. Each step reads the one before once, because Spark computes again what is read twice.
-#}

{% macro connected_records(kinds, rounds=5) %}
judged_0 as (

    select
        record_id,
        kind,
        link,
        md5(record_id) as person_label,
        kind <> 'different' as is_used,
        false as is_wrong

    from links

),
{%- for weakest in kinds | reverse | list + ['forced'] %}
{%- set level = loop.index %}

round_{{ level }}_0 as (

    select
        record_id,
        kind,
        link,
        {%- if loop.first %}
        person_label,
        is_used
        {%- else %}
        {%- set dropped = (kinds | reverse | list)[level - 2] %}
        case when is_wrong then md5(record_id) else person_label end as person_label,
        is_used and not (is_wrong and kind = '{{ dropped }}') as is_used
        {%- endif %}

    from judged_{{ level - 1 }}

),
{%- for number in range(1, rounds + 1) %}

near_{{ level }}_{{ number }} as (

    select
        record_id,
        kind,
        link,
        person_label,
        is_used,
        case when is_used then min(person_label) over (partition by link, is_used) else person_label end as near_label

    from round_{{ level }}_{{ number - 1 }}

),

round_{{ level }}_{{ number }} as (

    select
        record_id,
        kind,
        link,
        is_used,
        min(near_label) over (partition by person_label) as person_label

    from near_{{ level }}_{{ number }}

),
{%- endfor %}

found_{{ level }} as (

    select
        *,
        case when kind = 'self' then 1 else 0 end as record_count,
        case
            when kind = 'different' then count(*) over (partition by link, kind, person_label) > 1
            when is_used then min(person_label) over (partition by link, is_used) <> person_label
            else false
        end as is_broken

    from round_{{ level }}_{{ rounds }}

),

judged_{{ level }} as (

    select
        record_id,
        kind,
        link,
        person_label,
        is_used,
        sum(record_count) over (partition by person_label) > {{ var('identities_max_records') }}
        or max(case when is_broken then 1 else 0 end) over (partition by person_label) = 1 as is_wrong

    from found_{{ level }}

),
{%- endfor %}

connected as (

    select
        record_id,
        kind,
        link,
        is_used,
        person_label

    from judged_{{ kinds | length + 1 }}

)
{%- endmacro %}
