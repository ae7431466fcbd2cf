with

counted as (

    select * from {{ ref('ml_sequences__counted') }}

),

products as (

    select * from {{ ref('feat_items') }}
    where item_level = 'product'

),

measured as (

    select
        *,
        cast(order_count as double) / followed_up_count as support,
        cast(order_count as double) / antecedent_order_count as confidence,
        cast(order_count as double) * followed_up_count
        / (cast(antecedent_order_count as double) * followed_order_count) as lift,
        cast(reverse_order_count as double) / nullif(reverse_antecedent_order_count, 0) as reverse_confidence,
        cast(reverse_order_count as double) * followed_up_count
        / nullif(cast(reverse_antecedent_order_count as double) * reverse_followed_order_count, 0) as reverse_lift,
        -- Variance of the logarithm of the confidence with customers as clusters: the sum over customers of the
        -- squared share in ln(orders followed) - ln(orders with the antecedent).
        cast(antecedent_customer_count as double) / nullif(antecedent_customer_count - 1, 0)
        * greatest(
            square_sum / (cast(order_count as double) * order_count)
            - 2 * product_sum / (cast(order_count as double) * antecedent_order_count)
            + antecedent_square_sum / (cast(antecedent_order_count as double) * antecedent_order_count),
            0
        ) as log_variance

    from counted

),

bounded as (

    select
        *,
        -- 99.9 %, because thousands of pairs are tested.
        lift * exp(-3.2905 * sqrt(log_variance)) as lift_lower,
        lift * exp(3.2905 * sqrt(log_variance)) as lift_upper

    from measured

),

rules as (

    select
        one.product_id as antecedent_product_id,
        other.product_id as consequent_product_id,
        one.product_label as antecedent,
        other.product_label as consequent,
        bounded.antecedent_order_count,
        bounded.order_count,
        bounded.customer_count,
        bounded.followed_up_count,
        bounded.support,
        bounded.confidence,
        bounded.lift,
        bounded.lift_lower,
        bounded.lift_upper,
        bounded.median_gap_days,
        bounded.antecedent_number = bounded.consequent_number as is_repurchase,
        bounded.reverse_order_count,
        bounded.reverse_confidence,
        bounded.reverse_lift,
        bounded.lift > coalesce(bounded.reverse_lift, 0) as is_stronger_direction

    from bounded

    inner join products as one
        on bounded.antecedent_number = one.product_number

    inner join products as other
        on bounded.consequent_number = other.product_number

    where bounded.lift_lower > 1

)

select * from rules
