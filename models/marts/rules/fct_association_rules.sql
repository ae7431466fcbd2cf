with

rules as (

    select * from {{ ref('ml_rules__mined') }}
    where period_number = 0

),

earlier_rules as (

    select * from {{ ref('ml_rules__mined') }}
    where period_number = 1

),

described as (

    select
        rules.rule_key,
        rules.scope,
        rules.item_level,
        rules.antecedent,
        rules.consequent,
        rules.antecedent_items,
        rules.consequent_items,
        rules.antecedent_length,
        rules.consequent_length,
        rules.order_count,
        rules.antecedent_count,
        rules.consequent_count,
        rules.basket_count,
        rules.support,
        rules.confidence,
        rules.lift,
        rules.lift_lower,
        rules.lift_upper,
        rules.leverage,
        rules.conviction,
        rules.zhang,
        rules.jaccard,
        rules.kulczynski,
        rules.p_value,
        rules.p_value_adjusted,
        rules.lift > 1 and rules.p_value_adjusted <= {{ var('rules_false_discovery_rate') }} as is_significant,
        rules.improvement,
        rules.is_redundant,
        rules.is_closed,
        rules.is_maximal,
        earlier_rules.lift as earlier_lift,
        earlier_rules.holdout_order_count,
        earlier_rules.holdout_basket_count,
        earlier_rules.holdout_lift

    from rules

    left join earlier_rules
        on rules.rule_key = earlier_rules.rule_key

)

select * from described
