{{ config(materialized='table', enabled=target.type != 'spark') }}

{#- What a build found that did not pass still counts: it may have stored some tables, and not others. -#}
{%- set last = last_build() -%}
{#- Here, because the parser must see it. -#}
{%- set as_of_dates = ref('int_as_of_dates') %}

with

orders as (

    select * from {{ ref('int_order_fingerprints') }}

),
{%- if last %}

as_of as (

    select as_of_date from {{ as_of_dates }}
    where is_current

),

last_orders as (

    select * from {{ state_table('last_fingerprints') }}

),

-- Lines after the earliest of these days may count now and not then, or the reverse. Equal days judge every line the same way.
settled as (

    select
        case
            when
                as_of_date <> cast({{ dbt.string_literal(last['as_of_date']) }} as date)
                or cast({{ dbt.string_literal(last['extract_date']) }} as date)
                <> cast({{ dbt.string_literal(extract_date()) }} as date)
                then least(
                    as_of_date,
                    cast({{ dbt.string_literal(last['as_of_date']) }} as date),
                    cast({{ dbt.string_literal(last['extract_date']) }} as date),
                    cast({{ dbt.string_literal(extract_date()) }} as date)
                )
        end as settled_date

    from as_of

),

compared as (

    select
        coalesce(orders.order_id, last_orders.order_id) as order_id,
        coalesce(orders.customer_id, last_orders.customer_id) as customer_id,
        case
            when last_orders.order_id is null then 'new'
            when orders.order_id is null then 'vanished'
            when orders.content_hash <> last_orders.content_hash or orders.line_count <> last_orders.line_count
                then 'changed'
            when orders.last_date > settled.settled_date then 'released'
        end as change_kind

    from orders

    full outer join last_orders
        on
            orders.order_id = last_orders.order_id
            and orders.customer_id = last_orders.customer_id

    cross join settled

),

found as (

    select
        order_id,
        customer_id,
        change_kind

    from compared

    where change_kind is not null

    union all

    select
        order_id,
        customer_id,
        change_kind

    from {{ this }}

    where since_build_id = {{ dbt.string_literal(last['build_id']) }}

),
{%- else %}

-- A whole build compares nothing.
found as (

    select
        order_id,
        customer_id,
        'new' as change_kind

    from orders

    where false

),
{%- endif %}

changed as (

    select
        order_id,
        customer_id,
        min(change_kind) as change_kind,
        cast({{ dbt.string_literal(last['build_id'] if last else '') }} as {{ dbt.type_string() }}) as since_build_id

    from found

    group by order_id, customer_id

)

select * from changed
