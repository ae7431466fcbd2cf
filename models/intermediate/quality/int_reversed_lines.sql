with

reversals as (

    select * from {{ ref('int_returns') }}
    where is_reversal

),

reversed_lines as (

    select
        return_order_id as order_id,
        product_id,
        return_line_number as line_number

    from reversals

    union all

    select
        order_id,
        product_id,
        line_number

    from reversals

)

select * from reversed_lines
