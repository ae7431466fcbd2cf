with

customer_products as (

    select * from {{ ref('feat_customer_products') }}

),

sold_lines as (

    select * from {{ ref('int_order_lines') }}
    where not is_return and product_id is not null

),

labels as (

    select * from {{ ref('int_products') }}

),

days as (

    select
        period_number,
        as_of_date

    from {{ ref('int_as_of_dates') }}

    where period_number <= 1

),

last_sold as (

    select
        days.period_number,
        days.as_of_date,
        sold_lines.product_id,
        max(sold_lines.order_date) as last_sold_date

    from sold_lines

    inner join days
        on sold_lines.order_date <= days.as_of_date

    group by days.period_number, days.as_of_date, sold_lines.product_id

),

bought as (

    select
        0 as period_number,
        product_id,
        first_bought_date,
        last_bought_date
    from customer_products
    where last_bought_date is not null

    union all

    select
        1 as period_number,
        product_id,
        earlier_first_bought_date as first_bought_date,
        earlier_last_bought_date as last_bought_date
    from customer_products
    where earlier_last_bought_date is not null

),

-- Only customers with enough time to buy a product again are counted.
counted as (

    select
        bought.period_number,
        bought.product_id,
        count(*) as customer_count,
        count(
            case
                when
                    bought.last_bought_date
                    > {{ dbt.dateadd('day', -var('recommendations_popularity_days'), 'days.as_of_date') }}
                    then 1
            end
        ) as recent_customer_count,
        count(
            case
                when
                    bought.first_bought_date
                    <= {{ dbt.dateadd('day', -var('comparison_days'), 'days.as_of_date') }}
                    then 1
            end
        ) as early_customer_count,
        count(
            case
                when
                    bought.first_bought_date
                    <= {{ dbt.dateadd('day', -var('comparison_days'), 'days.as_of_date') }}
                    and bought.last_bought_date > bought.first_bought_date
                    then 1
            end
        ) as repeat_customer_count

    from bought

    inner join days
        on bought.period_number = days.period_number

    group by bought.period_number, bought.product_id

),

judged as (

    select
        counted.period_number,
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
            counted.period_number = last_sold.period_number
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
        cast(row_number() over (order by period_number asc, customer_count desc, product_id asc) as int) as product_number

    from judged

)

select * from products
