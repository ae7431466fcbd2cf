with

orders as (

    select * from {{ ref('int_orders') }}

),

-- Only purchases have an ordinal; a customer's first is decided by time, then by key.
numbered as (

    select
        order_id,
        row_number() over (partition by customer_id order by ordered_at, order_id) as purchase_number

    from orders

    where is_purchase and customer_id is not null

),

described as (

    select

        -- keys
        orders.order_id,
        orders.customer_id,

        -- when and where
        cast({{ to_utc('orders.ordered_at', var('source')['timezone']) }} as timestamp) as ordered_at,
        orders.order_date,
        orders.channel,
        orders.country,

        -- what
        orders.is_purchase,
        coalesce(numbered.purchase_number = 1, false) as is_first_order,
        orders.line_count,
        orders.unit_count,
        orders.gross_amount,
        orders.discount_amount,
        cast(orders.matched_returned_amount + orders.unmatched_returned_amount as decimal(18, 4))
            as returned_amount,
        orders.net_amount

    from orders

    left join numbered
        on orders.order_id = numbered.order_id

)

select * from described
