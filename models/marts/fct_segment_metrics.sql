with

memberships as (

    select * from {{ ref('fct_segment_memberships') }}
    where is_current

),

orders as (

    select
        customer_id,
        is_first_order,
        net_amount,
        unit_count,
        cast(date_trunc('month', order_date) as date) as month_date

    from {{ ref('fct_orders') }}

    where is_purchase and customer_id is not null

),

-- To one row per customer and month first: each is then counted under two segmentations.
customer_months as (

    select
        customer_id,
        month_date,
        count(*) as order_count,
        sum(net_amount) as net_amount,
        sum(unit_count) as unit_count,
        max(case when is_first_order then 1 else 0 end) as is_new

    from orders

    group by customer_id, month_date

),

metrics as (

    select
        memberships.segmentation,
        memberships.segment_key,
        customer_months.month_date,
        cast(count(*) as int) as customer_count,
        cast(sum(customer_months.order_count) as int) as order_count,
        cast(sum(customer_months.net_amount) as decimal(18, 4)) as net_amount,
        cast(sum(customer_months.unit_count) as decimal(18, 3)) as unit_count,
        cast(sum(customer_months.net_amount) as double) / sum(customer_months.order_count)
            as average_order_value,
        cast(sum(1 - customer_months.is_new) as double) / count(*) as repeat_customer_share

    from customer_months

    inner join memberships
        on customer_months.customer_id = memberships.customer_id

    group by memberships.segmentation, memberships.segment_key, customer_months.month_date

)

select * from metrics
