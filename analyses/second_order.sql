-- How many new customers come back within 90 days, by month of their first purchase and by channel?
-- Only customers whose 90 days have passed count.

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

as_of as (

    select max(as_of_date) as as_of_date from {{ ref('fct_customer_features') }}

),

firsts as (

    select purchases.*

    from purchases

    cross join as_of

    where
        purchases.is_first_order
        and {{ dbt.datediff('purchases.order_date', 'as_of.as_of_date', 'day') }} >= 90

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
