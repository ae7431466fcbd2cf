with

purchases as (

    select * from {{ ref('feat_sequences__purchases') }}
    where is_followed_up

),

followed as (

    select * from {{ ref('ml_sequences__followed') }}

),

pairs as (

    select * from {{ ref('ml_sequences__pairs') }}

),

antecedents as (

    select
        purchases.customer_number,
        purchases.order_date,
        purchases.product_number,
        count(*) as order_count

    from purchases

    where purchases.product_number in (select pairs.antecedent_number from pairs)

    group by purchases.customer_number, purchases.order_date, purchases.product_number

),

customer_antecedents as (

    select
        customer_number,
        product_number,
        sum(order_count) as order_count

    from antecedents

    group by customer_number, product_number

),

cases as (

    select
        pairs.antecedent_number,
        pairs.consequent_number,
        antecedents.customer_number,
        followed.gap_days,
        sum(antecedents.order_count) as order_count

    from antecedents

    inner join followed
        on
            antecedents.customer_number = followed.customer_number
            and antecedents.order_date = followed.order_date

    inner join pairs
        on
            antecedents.product_number = pairs.antecedent_number
            and followed.product_number = pairs.consequent_number

    group by
        pairs.antecedent_number, pairs.consequent_number, antecedents.customer_number, followed.gap_days

),

by_customer as (

    select
        antecedent_number,
        consequent_number,
        customer_number,
        sum(order_count) as order_count

    from cases

    group by antecedent_number, consequent_number, customer_number

),

summed as (

    select
        by_customer.antecedent_number,
        by_customer.consequent_number,
        count(*) as customer_count,
        sum(by_customer.order_count * by_customer.order_count) as square_sum,
        sum(by_customer.order_count * customer_antecedents.order_count) as product_sum

    from by_customer

    inner join customer_antecedents
        on
            by_customer.customer_number = customer_antecedents.customer_number
            and by_customer.antecedent_number = customer_antecedents.product_number

    group by by_customer.antecedent_number, by_customer.consequent_number

    having count(*) >= {{ var('sequences_min_customers') }}

),

by_gap as (

    select
        antecedent_number,
        consequent_number,
        gap_days,
        sum(order_count) as order_count

    from cases

    group by antecedent_number, consequent_number, gap_days

),

running as (

    select
        antecedent_number,
        consequent_number,
        gap_days,
        sum(order_count) over (
            partition by antecedent_number, consequent_number
            order by gap_days
            rows between unbounded preceding and current row
        ) as order_count_so_far,
        sum(order_count) over (partition by antecedent_number, consequent_number) as order_count

    from by_gap

),

medians as (

    select
        antecedent_number,
        consequent_number,
        min(gap_days) as median_gap_days

    from running

    where 2 * order_count_so_far >= order_count

    group by antecedent_number, consequent_number

),

counted as (

    select
        pairs.antecedent_number,
        pairs.consequent_number,
        pairs.order_count,
        pairs.antecedent_order_count,
        pairs.followed_order_count,
        pairs.followed_up_count,
        cast(summed.customer_count as int) as customer_count,
        pairs.antecedent_customer_count,
        cast(summed.square_sum as bigint) as square_sum,
        cast(summed.product_sum as bigint) as product_sum,
        pairs.antecedent_square_sum,
        cast(medians.median_gap_days as int) as median_gap_days,
        pairs.reverse_order_count,
        pairs.reverse_antecedent_order_count,
        pairs.reverse_followed_order_count

    from pairs

    inner join summed
        on
            pairs.antecedent_number = summed.antecedent_number
            and pairs.consequent_number = summed.consequent_number

    inner join medians
        on
            pairs.antecedent_number = medians.antecedent_number
            and pairs.consequent_number = medians.consequent_number

)

select * from counted
