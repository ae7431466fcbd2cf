with

memberships as (

    select * from {{ ref('fct_segment_memberships') }}
    where is_current

),

customer_months as (

    select * from {{ ref('fct_customer_months') }}
    where is_retained

),

metrics as (

    select
        memberships.segmentation,
        memberships.segment_key,
        customer_months.month_date,
        cast(count(*) as int) as month_customer_count,
        cast(sum(customer_months.month_order_count) as int) as month_order_count,
        cast(sum(customer_months.month_net_amount) as decimal(18, 4)) as month_net_amount,
        cast(sum(customer_months.month_unit_count) as decimal(18, 3)) as month_unit_count,
        cast(sum(customer_months.month_net_amount) as double) / sum(customer_months.month_order_count)
            as average_order_value,
        cast(sum(case when customer_months.months_since_first > 0 then 1 else 0 end) as double) / count(*)
            as repeat_customer_share

    from customer_months

    inner join memberships
        on customer_months.customer_id = memberships.customer_id

    group by memberships.segmentation, memberships.segment_key, customer_months.month_date

)

select * from metrics
