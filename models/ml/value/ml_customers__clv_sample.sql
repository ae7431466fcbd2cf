with

histories as (

    select * from {{ ref('ml_customers__season_histories') }}

),

sampled as (

    select
        customer_id,
        x,
        t_x,
        t,
        order_value_mean

    from histories

    order by md5(customer_id), customer_id

    limit {{ var('clv_sample_size') }}

)

select * from sampled
