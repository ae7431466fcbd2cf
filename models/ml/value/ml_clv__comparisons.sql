{{ config(materialized='view') }}

with

published as (

    select max(model) as model
    from {{ ref('ml_clv__parameters') }}
    where model <> 'gamma_gamma'

),

overall as (

    select
        backtests.*,
        coalesce(backtests.model = published.model, false) as is_published,
        backtests.model in ('last_window', 'rate', 'rfm_cell') as is_baseline

    from {{ ref('ml_clv__backtests') }} as backtests
    cross join published
    where backtests.decile = 0 and backtests.customer_count is not null

),

-- Every other model compared with the published one, over the windows that both forecast.
pairs as (

    select
        published.horizon_days,
        published.target,
        other.is_baseline,
        other.model,
        sqrt(
            sum(published.customer_count * published.rmse * published.rmse)
            / nullif(sum(other.customer_count * other.rmse * other.rmse), 0)
        ) as error_ratio,
        avg(other.normalised_gini) - avg(published.normalised_gini) as gini_lead

    from overall as published
    inner join overall as other
        on
            published.target = other.target
            and published.horizon_days = other.horizon_days
            and published.cutoff_date = other.cutoff_date
    where published.is_published and other.model not in ('mbg_nbd', 'bg_nbd')
    group by published.horizon_days, published.target, other.is_baseline, other.model

),

-- Seasons do not cancel: the worst day decides, of the season that begins today if it was seen.
judged_days as (

    select
        horizon_days,
        cutoff_date,
        max(abs(bias)) as worst_bias,
        max(case when is_same_season then 1 else 0 end) as is_same_season,
        max(max(case when is_same_season then 1 else 0 end)) over (partition by horizon_days) as is_season_seen

    from overall
    where is_published and target in ('orders', 'amount') and customer_count >= 50
    group by horizon_days, cutoff_date

),

-- The measure by which each check judges the published model, and what it is compared with.
measures as (

    select
        horizon_days,
        case
            when is_baseline and target = 'orders' then 'orders_beaten'
            when is_baseline and target = 'amount' then 'value_beaten'
            when target = 'orders' then 'challenger_better'
        end as check_name,
        model as detail,
        error_ratio as measured,
        error_ratio as badness
    from pairs

    union all

    select
        horizon_days,
        'value_ranking_beaten' as check_name,
        model as detail,
        gini_lead as measured,
        gini_lead as badness
    from pairs
    where is_baseline and target = 'amount'

    union all

    select
        horizon_days,
        'season_missed' as check_name,
        cast(cutoff_date as {{ dbt.type_string() }}) as detail,
        worst_bias as measured,
        worst_bias as badness
    from judged_days
    where is_same_season = is_season_seen

    union all

    -- The mean Gini of all days in standard errors of a ranking by chance.
    select
        horizon_days,
        'no_skill' as check_name,
        target as detail,
        sum(normalised_gini) / nullif(sqrt(sum(gini_error * gini_error)), 0) as measured,
        -sum(normalised_gini) / nullif(sqrt(sum(gini_error * gini_error)), 0) as badness
    from overall
    where is_published and target in ('orders', 'amount')
    group by horizon_days, target

),

ranked as (

    select
        *,
        row_number() over (
            partition by horizon_days, check_name order by badness desc nulls last, detail asc
        ) as place
    from measures
    where check_name is not null

)

select
    horizon_days,
    check_name,
    detail,
    measured
from ranked
where place = 1
