with

purchases as (

    select * from {{ ref('feat_sequences__purchases') }}

),

followed as (

    select * from {{ ref('ml_sequences__followed') }}

),

order_counts as (

    select count(distinct order_id) as order_count
    from purchases
    where is_followed_up

),

antecedents as (

    select
        customer_number,
        order_date,
        product_number,
        count(*) as order_count

    from purchases

    where is_followed_up and is_frequent

    group by customer_number, order_date, product_number

),

-- The orders of one customer are similar and do not count as independent observations.
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

followed_counts as (

    select
        product_number,
        sum(order_count) as order_count

    from followed

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

-- Only pairs that can become a rule are counted customer by customer.
candidates as (

    select
        pair_counts.antecedent_number,
        pair_counts.consequent_number,
        cast(pair_counts.order_count as int) as order_count,
        cast(antecedent_counts.order_count as int) as antecedent_order_count,
        cast(antecedent_counts.customer_count as int) as antecedent_customer_count,
        cast(antecedent_counts.square_sum as bigint) as antecedent_square_sum,
        cast(followed_counts.order_count as int) as followed_order_count,
        cast(order_counts.order_count as int) as followed_up_count,
        cast(coalesce(reversed.order_count, 0) as int) as reverse_order_count,
        cast(consequents.order_count as int) as reverse_antecedent_order_count,
        cast(coalesce(antecedents_followed.order_count, 0) as int) as reverse_followed_order_count

    from pair_counts

    inner join antecedent_counts
        on pair_counts.antecedent_number = antecedent_counts.product_number

    inner join followed_counts
        on pair_counts.consequent_number = followed_counts.product_number

    left join pair_counts as reversed
        on
            pair_counts.antecedent_number = reversed.consequent_number
            and pair_counts.consequent_number = reversed.antecedent_number

    left join antecedent_counts as consequents
        on pair_counts.consequent_number = consequents.product_number

    left join followed_counts as antecedents_followed
        on pair_counts.antecedent_number = antecedents_followed.product_number

    cross join order_counts

    where
        pair_counts.order_count >= {{ var('sequences_min_orders') }}
        and pair_counts.order_count >= {{ var('sequences_min_confidence') }} * antecedent_counts.order_count
        -- A lift above 1, in whole numbers.
        and pair_counts.order_count * order_counts.order_count
        > antecedent_counts.order_count * followed_counts.order_count

)

select * from candidates
