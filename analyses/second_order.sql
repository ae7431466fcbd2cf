-- How many newcomers come back within 90 days, by month of their first purchase and by channel?

with

purchases as (

    select
        customer_id,
        order_date,
        channel,
        is_first_order

    from {{ ref('fct_orders') }}

    where is_purchase and customer_id is not null

),

firsts as (

    select * from purchases
    where is_first_order

),

returners as (

    select distinct firsts.customer_id

    from firsts

    inner join purchases
        on
            firsts.customer_id = purchases.customer_id
            and firsts.order_date < purchases.order_date
            and {{ dbt.datediff('firsts.order_date', 'purchases.order_date', 'day') }} <= 90

)

select
    cast(date_trunc('month', firsts.order_date) as date) as first_month_date,
    firsts.channel,
    count(*) as customer_count,
    count(returners.customer_id) as returning_count,
    cast(count(returners.customer_id) as double) / count(*) as returning_share

from firsts

left join returners
    on firsts.customer_id = returners.customer_id

group by first_month_date, firsts.channel

order by first_month_date, firsts.channel
