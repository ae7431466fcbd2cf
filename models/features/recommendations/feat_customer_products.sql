with

purchased as (

    select * from {{ ref('feat_purchased_products') }}

),

days as (

    select
        as_of_date,
        case when period_number = 0 then 'whole' else 'earlier' end as period

    from {{ ref('int_as_of_dates') }}

    where period_number <= 1

),

bought as (

    select
        days.period,
        purchased.customer_id,
        purchased.product_id,
        min(purchased.order_date) as first_bought_date,
        max(purchased.order_date) as last_bought_date,
        max(purchased.order_date)
        > {{ dbt.dateadd('day', -var('recommendations_popularity_days'), 'max(days.as_of_date)') }} as is_recent,
        cast(count(*) as int) as order_count

    from purchased

    cross join days

    where case when days.period = 'whole' then purchased.is_kept else purchased.was_kept end

    group by days.period, purchased.customer_id, purchased.product_id

),

ranked as (

    select
        *,
        cast(
            row_number() over (
                partition by period, customer_id
                order by last_bought_date desc, order_count desc, product_id asc
            ) as int
        ) as recency_rank

    from bought

)

select * from ranked
