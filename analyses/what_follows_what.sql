-- What do customers buy after what, how soon, and is the order of the two more than habit? Repurchases last.

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
        when reverse_lift is null then 'never the other way round'
        when lift > 1.5 * reverse_lift then 'this way round rather'
        when reverse_lift > 1.5 * lift then 'the other way round rather'
        else 'either way'
    end as direction

from rules

order by is_repurchase asc, lift_lower desc, antecedent asc, consequent asc
