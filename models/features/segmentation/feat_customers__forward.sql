{#- A view: one model reads it. -#}
{{ config(materialized='view') }}

with

orders as (

    select * from {{ ref('int_orders') }}
    where customer_id is not null

),

cutoff as (

    select as_of_date from {{ ref('int_as_of_dates') }}
    where period_number = {{ var('forward_periods') }}

),

behaviour as (

    select * from {{ ref('feat_customers__behaviour') }}

),

followed as (

    select
        orders.customer_id,
        sum(orders.net_amount) as forward_amount,
        sum(case when orders.is_purchase then 1 else 0 end) as forward_order_count

    from orders

    inner join cutoff
        on orders.order_date > cutoff.as_of_date

    group by orders.customer_id

),

outcomes as (

    select
        behaviour.customer_id,
        behaviour.as_of_date,
        cast(coalesce(followed.forward_amount, 0) as decimal(18, 4)) as forward_amount,
        cast(coalesce(followed.forward_order_count, 0) as int) as forward_order_count

    from behaviour

    inner join cutoff
        on behaviour.as_of_date = cutoff.as_of_date

    left join followed
        on behaviour.customer_id = followed.customer_id

)

select * from outcomes
