-- Which products are bought together more often than chance, in which scope, and which rules only look strong?

select
    scope,
    antecedent,
    consequent,
    order_count,
    confidence,
    lift,
    holdout_lift,
    case
        when lift < 1 then 'bought together less often than by chance: do not act on it'
        when not is_significant then 'may be chance'
        when is_redundant then 'a shorter left side is as good: use that rule'
        when lift < 1.2 then 'barely more often than chance'
        else 'more often than chance'
    end as reading

from {{ ref('fct_association_rules') }}

where item_level = 'product'

order by lift desc, order_count desc
