{{ config(materialized=continued_table(), incremental_strategy='touched') }}

with

-- The lines are read twice, because a CTE would be kept in memory as a whole.
returned as (

    select * from {{ ref('int_order_lines__screened') }}
    where reject_reason is null and customer_id is not null and sign(quantity) = -1
    {%- if is_incremental() %} and {{ is_touched('touched customer', 'customer_id') }}{%- endif %}

),

sold as (

    select * from {{ ref('int_order_lines__screened') }}
    where reject_reason is null and customer_id is not null and quantity > 0
    {%- if is_incremental() %} and {{ is_touched('touched customer', 'customer_id') }}{%- endif %}

),

-- Of the earlier purchases that are large enough, one at the same price is taken, or else the latest. DuckDB builds its hash
-- table of the returns, which are few, because it expects fewer rows from their `=` than from the `>` of the sold lines.
candidates as (

    select
        {{ order_line_id('returned.order_id', 'returned.product_id', 'returned.line_number') }} as return_line_id,
        returned.order_id as return_order_id,
        returned.line_number as return_line_number,
        {{ order_line_id('sold.order_id', 'sold.product_id', 'sold.line_number') }} as order_line_id,
        sold.order_id,
        sold.product_id,
        sold.line_number,
        returned.customer_id,
        returned.ordered_at as returned_at,
        returned.order_date as return_date,
        sold.order_date,
        returned.currency as return_currency,
        sold.currency,
        sold.quantity as sold_quantity,
        -returned.quantity as returned_quantity,
        cast(returned.discount_amount - returned.amount as decimal(18, 4))
            as returned_amount,
        row_number() over (
            partition by returned.order_id, returned.product_id, returned.line_number
            order by
                case when sold.unit_price = returned.unit_price then 0 else 1 end asc,
                sold.ordered_at desc,
                {{ order_line_id('sold.order_id', 'sold.product_id', 'sold.line_number') }} asc
        ) as preference

    from sold

    inner join returned
        on
            sold.customer_id = returned.customer_id
            and sold.product_id = returned.product_id
            and sold.ordered_at <= returned.ordered_at
            and sold.quantity >= -returned.quantity

),

-- A line cannot have more returned pieces than were bought. Returns beyond that stay unmatched.
matched as (

    select
        *,
        sum(returned_quantity) over (
            partition by order_line_id
            order by returned_at, return_line_id
            rows between unbounded preceding and current row
        ) as returned_to_date

    from candidates

    where preference = 1

),

returns as (

    select
        return_line_id,
        return_order_id,
        return_line_number,
        order_line_id,
        order_id,
        product_id,
        line_number,
        customer_id,
        order_date,
        return_date,
        return_currency,
        currency,
        returned_quantity,
        returned_amount,
        coalesce(
            sold_quantity >= {{ var('absurd_quantity') }}
            and returned_quantity = sold_quantity
            and {{ dbt.datediff('order_date', 'return_date', 'day') }} <= {{ var('reversal_days') }},
            false
        ) as is_reversal

    from matched

    where returned_to_date <= sold_quantity

)

select * from returns
