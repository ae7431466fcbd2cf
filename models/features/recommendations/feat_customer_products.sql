with

order_lines as (

    select * from {{ ref('int_order_lines') }}
    where not is_return and customer_id is not null and product_id is not null

),

matched_returns as (

    select * from {{ ref('int_returns') }}
    where not is_reversal

),

customers as (

    select * from {{ ref('feat_customers__numbers') }}

),

earlier as (

    select as_of_date from {{ ref('int_as_of_dates') }}
    where period_number = 1

),

-- A later return was unknown on the earlier day.
returned_since as (

    select
        matched_returns.order_line_id,
        sum(matched_returns.returned_amount) as returned_amount

    from matched_returns

    inner join earlier
        on matched_returns.return_date > earlier.as_of_date

    group by matched_returns.order_line_id

),

lines as (

    select
        customers.customer_number,
        order_lines.product_id,
        order_lines.order_id,
        order_lines.order_date,
        order_lines.net_amount,
        order_lines.net_amount > 0 as is_kept,
        order_lines.order_date <= earlier.as_of_date
        and order_lines.net_amount + coalesce(returned_since.returned_amount, 0) > 0 as was_kept

    from order_lines

    inner join customers
        on order_lines.customer_id = customers.customer_id

    cross join earlier

    left join returned_since
        on order_lines.order_line_id = returned_since.order_line_id

),

bought as (

    select
        customer_number,
        product_id,
        min(case when is_kept then order_date end) as first_bought_date,
        max(case when is_kept then order_date end) as last_bought_date,
        min(case when was_kept then order_date end) as earlier_first_bought_date,
        max(case when was_kept then order_date end) as earlier_last_bought_date,
        sum(case when is_kept then net_amount else 0 end) as net_amount

    from lines

    where is_kept or was_kept

    group by customer_number, product_id

),

-- Only customers with more products than a history holds need a ranking.
long_histories as (

    select customer_number
    from bought
    group by customer_number
    having count(*) > {{ var('recommendations_history_size') }}

),

counted as (

    select
        customer_number,
        product_id,
        max(case when is_kept then order_date end) as last_bought_date,
        count(distinct case when is_kept then order_id end) as order_count,
        max(case when was_kept then order_date end) as earlier_last_bought_date,
        count(distinct case when was_kept then order_id end) as earlier_order_count

    from lines

    where customer_number in (select long_histories.customer_number from long_histories)

    group by customer_number, product_id

),

-- Products that were not kept come last, so that they take no place of a kept product.
ranked as (

    select
        customer_number,
        product_id,
        row_number() over (
            partition by customer_number
            order by last_bought_date desc nulls last, order_count desc, product_id asc
        ) as recency_rank,
        row_number() over (
            partition by customer_number
            order by earlier_last_bought_date desc nulls last, earlier_order_count desc, product_id asc
        ) as earlier_recency_rank

    from counted

),

customer_products as (

    select
        bought.customer_number,
        bought.product_id,
        bought.first_bought_date,
        bought.last_bought_date,
        cast(bought.net_amount as decimal(18, 4)) as net_amount,
        bought.last_bought_date is not null
        and coalesce(ranked.recency_rank, 1) <= {{ var('recommendations_history_size') }} as is_in_history,
        bought.earlier_first_bought_date,
        bought.earlier_last_bought_date,
        bought.earlier_last_bought_date is not null
        and coalesce(ranked.earlier_recency_rank, 1) <= {{ var('recommendations_history_size') }} as was_in_history

    from bought

    left join ranked
        on
            bought.customer_number = ranked.customer_number
            and bought.product_id = ranked.product_id

)

select * from customer_products
