{{ config(materialized='table') }}

with

orders as (

    select * from {{ ref('int_orders') }}

),

reversed_lines as (

    select * from {{ ref('int_reversed_lines') }}

),

-- Lines that are left out are few. An order with several reasons has the one that comes first in the alphabet.
left_out as (

    select
        screened.order_id,
        min(screened.customer_id) as customer_id,
        min({{ reconciled_month('screened.order_date') }}) as month_date,
        min({{ reconciled_currency('screened.currency') }}) as currency,
        min({{ reconciled_reason() }}) as reason

    from {{ ref('int_order_lines__screened') }} as screened

    left join reversed_lines
        on
            screened.order_id = reversed_lines.order_id
            and screened.product_id = reversed_lines.product_id
            and screened.line_number = reversed_lines.line_number

    where
        screened.order_id is not null
        and (screened.reject_reason is not null or reversed_lines.order_id is not null)

    group by screened.order_id

),

placed as (

    select
        {{ reconciled_month('order_date') }} as month_date,
        {{ reconciled_currency() }} as currency,
        customer_id,
        case
            when is_purchase then 'purchase'
            when line_count = 0 then 'receipt_of_returns'
            else 'nothing_left_of_order'
        end as reason

    from orders

    union all

    select
        left_out.month_date,
        left_out.currency,
        left_out.customer_id,
        left_out.reason

    from left_out

    left join orders
        on left_out.order_id = orders.order_id

    where orders.order_id is null

),

counted as (

    select
        month_date,
        currency,
        coalesce(customer_id, '') as customer_id,
        reason,
        count(*) as order_count

    from placed

    group by month_date, currency, customer_id, reason

)

select * from counted
