with

memberships as (

    select * from {{ ref('fct_segment_memberships') }}

),

as_of_dates as (

    select * from {{ ref('int_as_of_dates') }}

),

orders as (

    select * from {{ ref('fct_orders') }}
    where customer_id is not null

),

periods as (

    select
        later.as_of_date as to_as_of_date,
        earlier.as_of_date as from_as_of_date,
        cast({{ dbt.dateadd('day', -var('comparison_days'), 'earlier.as_of_date') }} as date) as before_date

    from as_of_dates as later

    inner join as_of_dates as earlier
        on earlier.period_number = later.period_number + 1

),

amounts as (

    select
        orders.customer_id,
        periods.to_as_of_date,
        sum(case when orders.order_date <= periods.from_as_of_date then orders.net_amount else 0 end) as amount_before,
        sum(case when orders.order_date > periods.from_as_of_date then orders.net_amount else 0 end) as amount_after

    from orders

    inner join periods
        on
            orders.order_date > periods.before_date
            and orders.order_date <= periods.to_as_of_date

    group by orders.customer_id, periods.to_as_of_date

),

later as (

    select
        memberships.segmentation,
        memberships.customer_id,
        memberships.segment_key,
        periods.to_as_of_date

    from memberships

    inner join periods
        on memberships.as_of_date = periods.to_as_of_date

),

earlier as (

    select
        memberships.segmentation,
        memberships.customer_id,
        memberships.segment_key,
        periods.to_as_of_date

    from memberships

    inner join periods
        on memberships.as_of_date = periods.from_as_of_date

),

-- New customers come from `none`; customers who returned every purchase go there.
moved as (

    select
        coalesce(later.segmentation, earlier.segmentation) as segmentation,
        coalesce(later.customer_id, earlier.customer_id) as customer_id,
        coalesce(later.to_as_of_date, earlier.to_as_of_date) as to_as_of_date,
        coalesce(earlier.segment_key, 'none') as from_segment_key,
        coalesce(later.segment_key, 'none') as to_segment_key

    from later

    full outer join earlier
        on
            later.segmentation = earlier.segmentation
            and later.customer_id = earlier.customer_id
            and later.to_as_of_date = earlier.to_as_of_date

),

migrations as (

    select
        moved.segmentation,
        periods.from_as_of_date,
        periods.to_as_of_date,
        moved.from_segment_key,
        moved.to_segment_key,
        cast(count(*) as int) as customer_count,
        cast(sum(coalesce(amounts.amount_before, 0)) as decimal(18, 4)) as net_amount_before,
        cast(sum(coalesce(amounts.amount_after, 0)) as decimal(18, 4)) as net_amount_after,
        moved.from_segment_key <> moved.to_segment_key as is_move

    from moved

    inner join periods
        on moved.to_as_of_date = periods.to_as_of_date

    left join amounts
        on
            moved.customer_id = amounts.customer_id
            and moved.to_as_of_date = amounts.to_as_of_date

    group by
        moved.segmentation,
        periods.from_as_of_date,
        periods.to_as_of_date,
        moved.from_segment_key,
        moved.to_segment_key

)

select * from migrations
