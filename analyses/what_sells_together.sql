-- Which products are bought together more often than chance, by whom, and which rules only look strong?

select
    scope,
    antecedent,
    consequent,
    order_count,
    confidence,
    lift,
    holdout_lift,
    case
        when lift < 1 then 'bought less often together than apart: do not act on it'
        when not is_significant then 'may be chance'
        when is_redundant then 'a shorter left side does as well: act on that'
        when lift < 1.2 then 'hardly more than chance'
        else 'more often than chance'
    end as reading

from {{ ref('fct_association_rules') }}

where item_level = 'product'

order by lift desc, order_count desc
