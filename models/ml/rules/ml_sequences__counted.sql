with

purchased as (

    select * from {{ ref('feat_purchased_products') }}
    where is_kept

),

as_of as (

    select max(as_of_date) as as_of_date from {{ ref('feat_customers__behaviour') }}
    where is_current

),

ordered as (

    select
        customer_id,
        row_number() over (order by md5(customer_id) asc, customer_id asc) as customer_number

    from purchased

    group by customer_id

),

sampled as (

    select
        customer_id,
        cast(customer_number as int) as customer_number

    from ordered

    where customer_number <= {{ var('sequences_sample_size') }}

),

bought as (

    select
        purchased.order_id,
        purchased.product_id,
        purchased.order_date,
        sampled.customer_number,
        purchased.order_date
        <= {{ dbt.dateadd('day', -var('sequences_window_days'), 'as_of.as_of_date') }} as is_followed_up

    from purchased

    inner join sampled
        on purchased.customer_id = sampled.customer_id

    cross join as_of

),

order_counts as (

    select
        count(distinct order_id) as order_count,
        count(distinct case when is_followed_up then order_id end) as followed_up_count

    from bought

),

product_counts as (

    select
        product_id,
        count(*) as order_count

    from bought

    group by product_id

),

-- A pair cannot be frequent of which one product is not.
frequent as (

    select
        product_counts.product_id,
        cast(row_number() over (order by product_counts.product_id) as int) as product_number

    from product_counts

    cross join order_counts

    where product_counts.order_count >= {{ var('sequences_min_support') }} * order_counts.order_count

),

items as (

    select
        bought.customer_number,
        bought.order_date,
        bought.is_followed_up,
        frequent.product_number,
        count(*) as order_count

    from bought

    inner join frequent
        on bought.product_id = frequent.product_id

    group by bought.customer_number, bought.order_date, bought.is_followed_up, frequent.product_number

),

days as (

    select
        customer_number,
        order_date,
        count(distinct order_id) as order_count

    from bought

    where is_followed_up

    group by customer_number, order_date

),

-- What a customer bought within the days that follow an order, and how soon. An order of the same day is not later.
followed as (

    select
        days.customer_number,
        days.order_date,
        days.order_count,
        items.product_number,
        min({{ dbt.datediff('days.order_date', 'items.order_date', 'day') }}) as gap_days

    from days

    inner join items
        on
            days.customer_number = items.customer_number
            and days.order_date < items.order_date
            and items.order_date
            <= {{ dbt.dateadd('day', var('sequences_window_days'), 'days.order_date') }}

    group by days.customer_number, days.order_date, days.order_count, items.product_number

),

followed_counts as (

    select
        product_number,
        sum(order_count) as order_count

    from followed

    group by product_number

),

antecedents as (

    select * from items
    where is_followed_up

),

-- Of each customer, the orders with the antecedent: orders of one customer are alike, and are not so many witnesses.
customer_antecedents as (

    select
        customer_number,
        product_number,
        sum(order_count) as order_count

    from antecedents

    group by customer_number, product_number

),

antecedent_counts as (

    select
        product_number,
        sum(order_count) as order_count,
        count(*) as customer_count,
        sum(order_count * order_count) as square_sum

    from customer_antecedents

    group by product_number

),

pair_counts as (

    select
        antecedents.product_number as antecedent_number,
        followed.product_number as consequent_number,
        sum(antecedents.order_count) as order_count

    from antecedents

    inner join followed
        on
            antecedents.customer_number = followed.customer_number
            and antecedents.order_date = followed.order_date

    group by antecedents.product_number, followed.product_number

),

-- Only what can become a rule is counted customer by customer.
likely as (

    select
        pair_counts.antecedent_number,
        pair_counts.consequent_number,
        pair_counts.order_count,
        antecedent_counts.order_count as antecedent_order_count,
        antecedent_counts.customer_count as antecedent_customer_count,
        antecedent_counts.square_sum as antecedent_square_sum,
        followed_counts.order_count as followed_order_count

    from pair_counts

    inner join antecedent_counts
        on pair_counts.antecedent_number = antecedent_counts.product_number

    inner join followed_counts
        on pair_counts.consequent_number = followed_counts.product_number

    cross join order_counts

    where
        pair_counts.order_count >= {{ var('sequences_min_orders') }}
        and pair_counts.order_count >= {{ var('sequences_min_confidence') }} * antecedent_counts.order_count
        -- A lift above 1, in whole numbers.
        and pair_counts.order_count * order_counts.followed_up_count
        > antecedent_counts.order_count * followed_counts.order_count

),

witnessed as (

    select
        likely.antecedent_number,
        likely.consequent_number,
        antecedents.customer_number,
        followed.gap_days,
        sum(antecedents.order_count) as order_count

    from antecedents

    inner join followed
        on
            antecedents.customer_number = followed.customer_number
            and antecedents.order_date = followed.order_date

    inner join likely
        on
            antecedents.product_number = likely.antecedent_number
            and followed.product_number = likely.consequent_number

    group by
        likely.antecedent_number, likely.consequent_number, antecedents.customer_number, followed.gap_days

),

by_customer as (

    select
        antecedent_number,
        consequent_number,
        customer_number,
        sum(order_count) as order_count

    from witnessed

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

    from witnessed

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
        one.product_id as antecedent_product_id,
        other.product_id as consequent_product_id,
        cast(likely.order_count as int) as order_count,
        cast(likely.antecedent_order_count as int) as antecedent_order_count,
        cast(likely.followed_order_count as int) as followed_order_count,
        cast(order_counts.followed_up_count as int) as followed_up_count,
        cast(summed.customer_count as int) as customer_count,
        cast(likely.antecedent_customer_count as int) as antecedent_customer_count,
        cast(summed.square_sum as bigint) as square_sum,
        cast(summed.product_sum as bigint) as product_sum,
        cast(likely.antecedent_square_sum as bigint) as antecedent_square_sum,
        cast(medians.median_gap_days as int) as median_gap_days,
        cast(coalesce(reversed.order_count, 0) as int) as reverse_order_count,
        cast(consequents.order_count as int) as reverse_antecedent_order_count,
        cast(coalesce(antecedents_followed.order_count, 0) as int) as reverse_followed_order_count

    from likely

    inner join summed
        on
            likely.antecedent_number = summed.antecedent_number
            and likely.consequent_number = summed.consequent_number

    inner join medians
        on
            likely.antecedent_number = medians.antecedent_number
            and likely.consequent_number = medians.consequent_number

    inner join frequent as one
        on likely.antecedent_number = one.product_number

    inner join frequent as other
        on likely.consequent_number = other.product_number

    left join pair_counts as reversed
        on
            likely.antecedent_number = reversed.consequent_number
            and likely.consequent_number = reversed.antecedent_number

    left join antecedent_counts as consequents
        on likely.consequent_number = consequents.product_number

    left join followed_counts as antecedents_followed
        on likely.antecedent_number = antecedents_followed.product_number

    cross join order_counts

)

select * from counted
