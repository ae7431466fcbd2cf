-- Which rules are stronger in some segments than in others, and by how much?

with

differences as (

    select * from {{ ref('fct_association_rule_differences') }}
    where is_different and is_compared and order_count > 0

),

segments as (

    select * from {{ ref('dim_segments') }}

),

ranked as (

    select
        differences.*,
        segments.segment_name,
        row_number() over (
            partition by differences.item_level, differences.antecedent_items, differences.consequent_items
            order by differences.odds_ratio desc nulls last, differences.segment_key asc
        ) as place

    from differences

    inner join segments
        on differences.segment_key = segments.segment_key

)

select
    item_level,
    antecedent,
    consequent,
    segment_name as strongest_in,
    order_count,
    confidence,
    lift,
    odds_ratio,
    common_odds_ratio,
    p_value_adjusted

from ranked

where place = 1

order by odds_ratio / common_odds_ratio desc nulls last, antecedent asc, consequent asc
