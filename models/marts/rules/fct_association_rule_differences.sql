with

differences as (

    select * from {{ ref('ml_rules__differences') }}

),

described as (

    select
        item_level,
        antecedent,
        consequent,
        antecedent_items,
        consequent_items,
        segment_key,
        order_count,
        antecedent_count,
        consequent_count,
        basket_count,
        confidence,
        lift,
        lift_lower,
        lift_upper,
        odds_ratio,
        is_compared,
        common_odds_ratio,
        compared_segment_count,
        chi_square,
        p_value,
        p_value_adjusted,
        coalesce(p_value_adjusted <= {{ var('rules_false_discovery_rate') }}, false) as is_different

    from differences

)

select * from described
