{{ config(enabled=has_reviews()) }}

with

fit as (

    select * from {{ ref('ml_reviews__in_force') }}

)

select
    replace(part, 'backtest ', '') as model,
    max(case when name = 'is_used' then value end) = 1 as is_used,
    cast(max(case when name = 'review_count' then value end) as int) as review_count,
    max(case when name = 'good_share' then value end) as good_share,
    max(case when name = 'predicted_share' then value end) as predicted_share,
    max(case when name = 'auc' then value end) as auc,
    max(case when name = 'brier' then value end) as brier,
    max(case when name = 'calibration_gap' then value end) as calibration_gap,
    max(version) as topics_version

from fit

where part like 'backtest %'

group by part
