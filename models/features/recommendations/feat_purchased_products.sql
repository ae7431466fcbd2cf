{#- A view: two models read it, each for other columns. -#}
{{ config(materialized='view') }}

with

sold_lines as (

    select * from {{ ref('int_order_lines') }}
    where not is_return and customer_id is not null

),

matched_returns as (

    select * from {{ ref('int_returns') }}
    where not is_reversal

),

earlier as (

    select as_of_date as earlier_date from {{ ref('int_as_of_dates') }}
    where period_number = 1

),

-- On the earlier day a later return was not yet known.
returned_since as (

    select
        matched_returns.order_line_id,
        sum(matched_returns.returned_amount) as returned_amount

    from matched_returns

    inner join earlier
        on matched_returns.return_date > earlier.earlier_date

    group by matched_returns.order_line_id

),

judged as (

    select
        sold_lines.order_id,
        sold_lines.product_id,
        sold_lines.customer_id,
        sold_lines.order_date,
        sold_lines.net_amount > 0 as is_kept,
        sold_lines.order_date <= earlier.earlier_date
        and sold_lines.net_amount + coalesce(returned_since.returned_amount, 0) > 0 as was_kept

    from sold_lines

    cross join earlier

    left join returned_since
        on sold_lines.order_line_id = returned_since.order_line_id

),

purchased as (

    select
        order_id,
        product_id,
        min(customer_id) as customer_id,
        min(order_date) as order_date,
        max(case when is_kept then 1 else 0 end) = 1 as is_kept,
        max(case when was_kept then 1 else 0 end) = 1 as was_kept

    from judged

    where is_kept or was_kept

    group by order_id, product_id

)

select * from purchased
