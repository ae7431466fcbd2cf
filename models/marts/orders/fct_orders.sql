with

orders as (

    select * from {{ ref('int_orders') }}

),

described as (

    select

        -- keys
        order_id,
        customer_id,

        -- when and where
        cast({{ to_utc('ordered_at', var('source')['timezone']) }} as timestamp) as ordered_at,
        order_date,
        channel,
        country,

        -- what
        is_purchase,
        -- By time, then by key; receipts of returns and guests' orders have no place in the row. A guest's order is
        -- a row of its own: all of them in one would be one task's work.
        is_purchase
        and customer_id is not null
        and row_number() over (
            partition by coalesce(customer_id, order_id), is_purchase
            order by ordered_at, order_id
        ) = 1 as is_first_order,
        line_count,
        unit_count,
        gross_amount,
        discount_amount,
        cast(matched_returned_amount + unmatched_returned_amount as decimal(18, 4))
            as returned_amount,
        net_amount

    from orders

)

select * from described
