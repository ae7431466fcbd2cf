with

customer_products as (

    select * from {{ ref('feat_customer_products') }}

),

sold_lines as (

    select * from {{ ref('int_order_lines') }}
    where not is_return

),

labels as (

    select * from {{ ref('int_products') }}

),

days as (

    select
        as_of_date,
        case when period_number = 0 then 'whole' else 'earlier' end as period

    from {{ ref('int_as_of_dates') }}

    where period_number <= 1

),

last_sold as (

    select
        days.period,
        days.as_of_date,
        sold_lines.product_id,
        max(sold_lines.order_date) as last_sold_date

    from sold_lines

    inner join days
        on sold_lines.order_date <= days.as_of_date

    group by days.period, days.as_of_date, sold_lines.product_id

),

-- Whether a product is bought again shows only in customers who have had the time.
counted as (

    select
        customer_products.period,
        customer_products.product_id,
        count(*) as customer_count,
        sum(case when customer_products.is_recent then 1 else 0 end) as recent_customer_count,
        sum(
            case
                when
                    customer_products.first_bought_date
                    <= {{ dbt.dateadd('day', -var('comparison_days'), 'days.as_of_date') }}
                    then 1
                else 0
            end
        ) as early_customer_count,
        sum(
            case
                when
                    customer_products.first_bought_date
                    <= {{ dbt.dateadd('day', -var('comparison_days'), 'days.as_of_date') }}
                    and customer_products.last_bought_date > customer_products.first_bought_date
                    then 1
                else 0
            end
        ) as repeat_customer_count

    from customer_products

    inner join days
        on customer_products.period = days.period

    group by customer_products.period, customer_products.product_id

),

judged as (

    select
        counted.period,
        counted.product_id,
        labels.product_label,
        last_sold.last_sold_date,
        cast(counted.customer_count as int) as customer_count,
        cast(counted.recent_customer_count as int) as recent_customer_count,
        cast(counted.repeat_customer_count as double) / nullif(counted.early_customer_count, 0) as repurchase_share,
        last_sold.last_sold_date
        < {{ dbt.dateadd('day', -var('recommendations_discontinued_days'), 'last_sold.as_of_date') }} as is_discontinued,
        counted.customer_count >= {{ var('recommendations_min_customers') }} as is_known_well

    from counted

    inner join last_sold
        on
            counted.period = last_sold.period
            and counted.product_id = last_sold.product_id

    inner join labels
        on counted.product_id = labels.product_id

),

products as (

    select
        *,
        is_known_well
        and coalesce(repurchase_share >= {{ var('recommendations_repurchase_share') }}, false) as is_bought_again,
        is_known_well and not is_discontinued as is_recommendable,
        cast(row_number() over (order by period desc, customer_count desc, product_id asc) as int) as product_number

    from judged

)

select * from products
