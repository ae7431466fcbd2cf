{#-
    The CTEs `as_of` and, at the end, `events`: raw events with their stage and, where they cannot count, the reason. With
    `days`, only those of the last so many days. Copies of an event are taken off by a row of its content with a negative
    `event_count`: sums are right, and only events that may have a copy are compared.

    Staging is read three times, because a CTE would be kept in memory as a whole.
-#}

{% macro screened_events(days=none) %}
{%- set content = canonical_columns('events') | map(attribute='name') | list %}
{%- set staged = of_persons('events') %}
{%- set since = 'true' -%}
{%- if days -%}
    {%- set since = 'cast(occurred_at as date) >= (select ' ~ dbt.dateadd('day', 1 - days, 'as_of.as_of_date') ~ ' from as_of)' -%}
{%- endif -%}
as_of as (

    select as_of_date from {{ ref('int_as_of_dates') }}
    where is_current

),

repeated as (

    select {{ row_hash(content) }} as content_hash

    from {{ staged }}

    where {{ since }}

    group by {{ row_hash(content) }}

    having count(*) > 1

),

-- Events of one hash may differ.
copies as (

    select
        {{ content | join(',\n        ') }},
        count(*) - 1 as copy_count

    from (
        select events.*

        from {{ staged }} as events

        inner join repeated
            on {{ row_hash(content) }} = repeated.content_hash

        cross join as_of

        where {{ since }} and {{ event_reject_reason() }} is null
    ) as repeated_events

    group by {{ content | join(', ') }}

    having count(*) > 1

),

counted as (

    select
        {{ content | join(',\n        ') }},
        reject_reason,
        1 as event_count

    from {{ staged }}

    where {{ since }}

    union all

    select
        {{ content | join(',\n        ') }},
        null as reject_reason,
        -copy_count as event_count

    from copies

),

events as (

    select
        events.customer_id,
        events.device_id,
        events.occurred_at,
        {{ event_stage('events.event_type') }} as stage,
        events.product_id,
        events.channel,
        events.session_id,
        events.event_count,
        {{ event_reject_reason() }} as reject_reason

    from counted as events

    cross join as_of

)
{%- endmacro %}
