{{ config(materialized=continued_table(), incremental_strategy='touched') }}

with

order_lines as (

    select * from {{ ref('int_order_lines') }}
    {%- if is_incremental() %}
    where {{ is_touched('touched order', 'order_id') }}
    {%- endif %}

),

-- If the lines of an order disagree, the smallest value is used, which is the same on every engine.
grouped as (

    select
        order_id,
        min(customer_id) as customer_id,
        min(ordered_at) as ordered_at,
        min(order_date) as order_date,
        min(channel) as channel,
        min(country) as country,
        {{ 'min(currency)' if var('source').get('currencies') else 'cast(null as ' ~ dbt.type_string() ~ ')' }} as currency,
        sum(gross_amount) as gross_amount,
        sum(discount_amount) as discount_amount,
        sum(case when is_return then 0 else returned_amount - refunded_amount end) as matched_returned_amount,
        sum(case when is_return then returned_amount else refunded_amount end) as unmatched_returned_amount,
        sum(case when is_return then 0 else quantity end) as unit_count,
        count(case when not is_return then 1 end) as line_count

    from order_lines

    group by order_id

),

netted as (

    select
        *,
        gross_amount - discount_amount - matched_returned_amount - unmatched_returned_amount as net_amount

    from grouped

),

orders as (

    select
        order_id,
        customer_id,
        ordered_at,
        order_date,
        channel,
        country,
        currency,
        cast(gross_amount as decimal(18, 4)) as gross_amount,
        cast(discount_amount as decimal(18, 4)) as discount_amount,
        cast(matched_returned_amount as decimal(18, 4)) as matched_returned_amount,
        cast(unmatched_returned_amount as decimal(18, 4)) as unmatched_returned_amount,
        cast(net_amount as decimal(18, 4)) as net_amount,
        cast(unit_count as decimal(18, 3)) as unit_count,
        cast(line_count as int) as line_count,
        line_count > 0 and net_amount > 0 as is_purchase,
        {{ is_weekend('order_date') }} as is_weekend,
        extract(hour from ordered_at) >= {{ var('evening_start_hour') }} as is_evening

    from netted

),

-- Ordered by time, then by key. Guests' orders and receipts of returns cannot be a first order. Each guest's order is its
-- own partition; one partition for all of them would be computed by a single task.
flagged as (

    select
        *,
        is_purchase
        and customer_id is not null
        and row_number() over (
            partition by coalesce(customer_id, order_id), is_purchase
            order by ordered_at, order_id
        ) = 1 as is_first_order

    from orders
    {%- if is_incremental() %}

    where {{ stale_rows('int_orders') }}
    {%- endif %}

)

select * from flagged
