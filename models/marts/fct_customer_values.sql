with

customer_values as (

    select * from {{ ref('ml_customers__clv') }}

),

described as (

    select
        customer_id,
        cast(horizon_days as int) as horizon_days,
        model,
        p_alive,
        expected_orders,
        expected_order_value,
        clv

    from customer_values

)

select * from described
