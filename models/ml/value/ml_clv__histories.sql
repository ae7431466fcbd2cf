with

season_histories as (

    select * from {{ ref('ml_customers__season_histories') }}

),

histories as (

    select
        x,
        t,
        cast(count(*) as int) as customer_count

    from season_histories

    group by x, t

)

select * from histories
