{#- A table on Spark, where each reader would shuffle all lines again. DuckDB joins the lines faster than it writes them. -#}
{{ config(materialized='table' if target.type == 'spark' else 'view') }}

with

screened as (

    select * from {{ ref('int_order_lines__screened') }}
    where reject_reason is null

),

matched_returns as (

    select * from {{ ref('int_returns') }}

),

-- The effects of a return on both lines, the return's and the purchase's, in one table: one join instead of three.
effects as (

    select
        return_order_id as order_id,
        product_id,
        return_line_number as line_number,
        order_line_id as original_order_line_id,
        0 as returned_quantity,
        0 as returned_amount,
        is_reversal

    from matched_returns

    union all

    select
        order_id,
        product_id,
        line_number,
        null as original_order_line_id,
        sum(returned_quantity) as returned_quantity,
        sum(returned_amount) as returned_amount,
        max(case when is_reversal then 1 else 0 end) = 1 as is_reversal

    from matched_returns

    group by order_id, product_id, line_number

),

accepted as (

    select
        screened.*,
        screened.quantity < 0 as is_return,
        effects.original_order_line_id,
        coalesce(effects.returned_quantity, 0) as matched_returned_quantity,
        coalesce(effects.returned_amount, 0) as matched_returned_amount

    from screened

    left join effects
        on
            screened.order_id = effects.order_id
            and screened.product_id = effects.product_id
            and screened.line_number = effects.line_number

    where not coalesce(effects.is_reversal, false)

),

-- A matched return counts on its purchase line, an unmatched one on its own line, so sums count it once.
order_lines as (

    select
        {{ order_line_id() }} as order_line_id,
        order_id,
        product_id,
        line_number,
        customer_id,
        ordered_at,
        order_date,
        currency,
        quantity,
        unit_price,
        unit_cost,
        channel,
        country,
        promotion_id,
        product_name,
        category,
        is_return,
        original_order_line_id,
        matched_returned_quantity as returned_quantity,
        cast(case when is_return then 0 else amount end as decimal(18, 4)) as gross_amount,
        cast(case when is_return then 0 else discount_amount end as decimal(18, 4)) as discount_amount,
        cast(case when is_return then 0 else refunded_amount end as decimal(18, 4)) as refunded_amount,
        cast(
            case
                when not is_return then matched_returned_amount + refunded_amount
                when original_order_line_id is null then discount_amount - amount
                else 0
            end as decimal(18, 4)
        ) as returned_amount

    from accepted

),

netted as (

    select
        *,
        cast(gross_amount - discount_amount - returned_amount as decimal(18, 4)) as net_amount

    from order_lines

)

select * from netted
