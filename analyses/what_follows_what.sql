-- What do customers buy after what, how soon, and does the direction matter? Repurchases come last.

with

rules as (

    select * from {{ ref('fct_sequential_rules') }}

)

select
    antecedent,
    consequent,
    order_count,
    confidence,
    lift,
    lift_lower,
    median_gap_days,
    reverse_lift,
    case
        when is_repurchase then 'bought again'
        when reverse_lift is null then 'never in reverse'
        when lift > 1.5 * reverse_lift then 'mostly in this direction'
        when reverse_lift > 1.5 * lift then 'mostly in reverse'
        else 'both directions'
    end as direction

from rules

order by is_repurchase asc, lift_lower desc, antecedent asc, consequent asc
