with

orders as (

    select
        customer_id,
        net_amount,
        unit_count,
        cast(date_trunc('month', order_date) as date) as month_date

    from {{ ref('fct_orders') }}

    where is_purchase and customer_id is not null

),

months as (

    select distinct
        month_date,
        is_complete

    from {{ ref('dim_dates') }}

),

purchases as (

    select
        customer_id,
        month_date,
        count(*) as order_count,
        sum(unit_count) as unit_count,
        sum(net_amount) as net_amount

    from orders

    group by customer_id, month_date

),

cohorts as (

    select
        customer_id,
        min(month_date) as cohort_month_date

    from purchases

    group by customer_id

),

described as (

    select

        -- keys
        cohorts.customer_id,
        months.month_date,

        -- how long a customer
        cohorts.cohort_month_date,
        cast({{ dbt.datediff('cohorts.cohort_month_date', 'months.month_date', 'month') }} as int) as months_since_first,
        months.is_complete,

        -- what was bought
        purchases.customer_id is not null as is_retained,
        cast(coalesce(purchases.order_count, 0) as int) as month_order_count,
        cast(coalesce(purchases.unit_count, 0) as decimal(18, 3)) as month_unit_count,
        cast(coalesce(purchases.net_amount, 0) as decimal(18, 4)) as month_net_amount

    from cohorts

    inner join months
        on cohorts.cohort_month_date <= months.month_date

    left join purchases
        on
            cohorts.customer_id = purchases.customer_id
            and months.month_date = purchases.month_date

)

select * from described
