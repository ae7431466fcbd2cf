with

itemsets as (

    select * from {{ ref('ml_rules__itemsets') }}
    where length = 0

),

rules as (

    select
        *,
        lift > 1 and p_value_adjusted <= {{ var('rules_false_discovery_rate') }} as is_significant
    from {{ ref('ml_rules__mined') }}

),

cells as (

    select
        period_number,
        item_level,
        'all' as scope,
        order_count,
        is_holdout,
        min_support
    from itemsets

    union all

    select
        period_number,
        item_level,
        segment_key as scope,
        order_count,
        is_holdout,
        min_support
    from itemsets
    where segment_key <> ''

),

mined as (

    select
        scope,
        item_level,
        max(min_support) as min_support,
        sum(case when period_number = 0 then order_count else 0 end) as basket_count,
        sum(case when period_number = 1 and not is_holdout then order_count else 0 end) as earlier_basket_count,
        sum(case when period_number = 1 and is_holdout then order_count else 0 end) as holdout_basket_count

    from cells

    group by scope, item_level

),

counted as (

    select
        scope,
        item_level,
        sum(case when period_number = 0 then 1 else 0 end) as rule_count,
        sum(case when period_number = 0 and is_redundant then 1 else 0 end) as redundant_rule_count,
        sum(case when period_number = 0 and is_significant then 1 else 0 end) as significant_rule_count,
        sum(case when period_number = 0 and is_significant and not is_redundant then 1 else 0 end)
            as actionable_rule_count,
        sum(case when period_number = 1 and is_significant and holdout_lift is not null then 1 else 0 end)
            as tested_rule_count,
        sum(case when period_number = 1 and is_significant and holdout_lift > 1 then 1 else 0 end)
            as replicated_rule_count,
        median(case when period_number = 1 and is_significant and holdout_lift is not null then lift end)
            as median_earlier_lift,
        median(case when period_number = 1 and is_significant then holdout_lift end) as median_holdout_lift

    from rules

    group by scope, item_level

),

described as (

    select
        mined.scope,
        mined.item_level,
        mined.min_support,
        cast(mined.basket_count as int) as basket_count,
        cast(coalesce(counted.rule_count, 0) as int) as rule_count,
        cast(coalesce(counted.redundant_rule_count, 0) as int) as redundant_rule_count,
        cast(coalesce(counted.significant_rule_count, 0) as int) as significant_rule_count,
        cast(coalesce(counted.actionable_rule_count, 0) as int) as actionable_rule_count,
        cast(mined.earlier_basket_count as int) as earlier_basket_count,
        cast(mined.holdout_basket_count as int) as holdout_basket_count,
        cast(coalesce(counted.tested_rule_count, 0) as int) as tested_rule_count,
        cast(coalesce(counted.replicated_rule_count, 0) as int) as replicated_rule_count,
        cast(counted.replicated_rule_count as double) / nullif(counted.tested_rule_count, 0) as replicated_share,
        cast(counted.median_earlier_lift as double) as median_earlier_lift,
        cast(counted.median_holdout_lift as double) as median_holdout_lift

    from mined

    left join counted
        on
            mined.scope = counted.scope
            and mined.item_level = counted.item_level

)

select * from described
