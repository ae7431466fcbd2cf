with

purchase_days as (

    select * from {{ ref('feat_customers__purchase_days') }}

),

histories as (

    select
        x,
        t,
        cast(count(*) as int) as customer_count

    from purchase_days

    group by x, t

)

select * from histories
