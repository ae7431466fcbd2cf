-- Which products are bought together more often than chance, and which rules only look strong?

select
    antecedent,
    consequent,
    order_count,
    confidence,
    lift,
    case
        when lift < 1 then 'bought less often together than apart: do not act on it'
        when lift < 1.2 then 'hardly more than chance'
        else 'more often than chance'
    end as reading

from {{ ref('fct_association_rules') }}

order by lift desc, order_count desc
