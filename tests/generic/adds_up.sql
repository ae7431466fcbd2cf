{#- Fails where the platform's figure and the reasons of a waterfall do not add up to the marts' figure. -#}

{% test adds_up(model) %}

select
    period,
    currency,
    measure,
    sum(case when step = 'marts' then -amount else amount end) as difference

from {{ model }}

where step <> 'expected'

group by period, currency, measure

having
    sum(case when step = 'marts' then -amount else amount end) <> 0
    or sum(case when step = 'platform' then 1 else 0 end) <> 1
    or sum(case when step = 'marts' then 1 else 0 end) <> 1

{% endtest %}
