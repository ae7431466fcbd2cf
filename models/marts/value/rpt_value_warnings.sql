with

backtests as (

    select * from {{ ref('fct_model_backtests') }}

),

overall as (

    select * from backtests
    where decile = 0

),

fitted as (

    select * from {{ ref('ml_clv__parameters') }}

),

histories as (

    select * from {{ ref('feat_customers__purchase_days') }}

),

totals as (

    select * from {{ ref('ml_segments__values') }}
    where segmentation = 'all'

),

horizons as (
    {% for days in var('clv_horizons_days') %}

    select {{ days }} as horizon_days
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

-- Of the other forecasters of each kind the one that errs least against the published model, on the windows of both.
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

    where
        published.is_published
        and other.model not in ('mbg_nbd', 'bg_nbd')

    group by published.horizon_days, published.target, other.is_baseline, other.model

),

ranked as (

    select
        *,
        row_number() over (
            partition by horizon_days, target, is_baseline order by error_ratio desc nulls last, model asc
        ) as error_place,
        row_number() over (
            partition by horizon_days, target, is_baseline order by gini_lead desc nulls last, model asc
        ) as gini_place

    from pairs

),

rivals as (

    select
        horizon_days,
        max(case when is_baseline and target = 'orders' and error_place = 1 then error_ratio end) as orders_ratio,
        max(case when is_baseline and target = 'orders' and error_place = 1 then model end) as orders_rival,
        max(case when is_baseline and target = 'amount' and error_place = 1 then error_ratio end) as value_ratio,
        max(case when is_baseline and target = 'amount' and error_place = 1 then model end) as value_rival,
        max(case when is_baseline and target = 'amount' and gini_place = 1 then gini_lead end) as gini_lead,
        max(case when is_baseline and target = 'amount' and gini_place = 1 then model end) as gini_rival,
        max(
            case when not is_baseline and target = 'orders' and error_place = 1 then error_ratio end
        ) as challenger_ratio,
        max(case when not is_baseline and target = 'orders' and error_place = 1 then model end) as challenger_name

    from ranked

    group by horizon_days

),

own as (

    select
        horizon_days,
        -- What a handful of customers did proves nothing.
        count(distinct case when customer_count >= 50 then cutoff_date end) as origin_count,
        max(abs(case when target = 'orders' then coverage_80 - 0.8 end)) as coverage_gap

    from overall

    where is_published

    group by horizon_days

),

calibration as (

    select * from {{ ref('ml_clv__calibration') }}

),

-- Where the data begin in the middle of a shop's life, its old customers all seem to come at once.
arrivals as (

    select
        max(t) as history_days,
        count(*) as customer_count

    from histories

),

first_months as (

    select
        max(arrivals.history_days) as history_days,
        sum(case when histories.t > arrivals.history_days - 30 then 1 else 0 end) as first_count,
        sum(
            case
                when histories.t <= arrivals.history_days - 30 and histories.t > arrivals.history_days - 120 then 1
                else 0
            end
        ) as later_count

    from histories

    cross join arrivals

),

logarithms as (

    select
        ln(x) as log_x,
        ln(order_value_mean) as log_value

    from histories

    where
        x > 0
        and order_value_mean > 0

),

correlation as (

    select
        round(
            covar_pop(log_x, log_value) / nullif(stddev_pop(log_x) * stddev_pop(log_value), 0), 6
        ) as frequency_value_correlation

    from logarithms

),

fits as (

    select
        min(case when model <> 'gamma_gamma' then case when has_converged then 1 else 0 end end) as purchases_converged,
        min(case when model = 'gamma_gamma' then case when has_converged then 1 else 0 end end) as spend_converged,
        max(case when model = 'gamma_gamma' and parameter = 'q' then estimate end) as q

    from fitted

),

measured as (

    select
        horizons.horizon_days,
        first_months.history_days,
        first_months.first_count,
        first_months.later_count,
        correlation.frequency_value_correlation,
        fits.purchases_converged,
        fits.spend_converged,
        fits.q,
        rivals.orders_ratio,
        rivals.orders_rival,
        rivals.value_ratio,
        rivals.value_rival,
        rivals.gini_lead,
        rivals.gini_rival,
        rivals.challenger_ratio,
        rivals.challenger_name,
        coalesce(own.origin_count, 0) as origin_count,
        own.coverage_gap,
        calibration.gap as calibration_gap,
        sqrt(totals.order_estimation_variance) / nullif(totals.expected_orders, 0) as sampling_error

    from horizons

    cross join first_months

    cross join correlation

    cross join fits

    left join rivals
        on horizons.horizon_days = rivals.horizon_days

    left join own
        on horizons.horizon_days = own.horizon_days

    left join calibration
        on horizons.horizon_days = calibration.horizon_days

    left join totals
        on horizons.horizon_days = totals.horizon_days

),

-- One row per check; a check that could not be measured is raised where its lack is a reason for doubt.
checks as (

    select
        horizon_days,
        1 as check_number,
        'not_backtested' as check_name,
        'unreliable' as severity,
        origin_count = 0 as is_raised,
        cast(origin_count as double) as measured,
        cast(1 as double) as threshold,
        cast(null as {{ dbt.type_string() }}) as detail,
        'No past day has 50 customers, as long a history before it and the whole horizon after it: nothing could be checked' as meaning
    from measured

    union all

    select
        horizon_days,
        2 as check_number,
        'orders_beaten' as check_name,
        'unreliable' as severity,
        coalesce(orders_ratio > 1, false) as is_raised,
        orders_ratio as measured,
        cast(1 as double) as threshold,
        orders_rival as detail,
        'On past days a naive baseline forecast the orders with less error' as meaning
    from measured

    union all

    select
        horizon_days,
        3 as check_number,
        'value_beaten' as check_name,
        'unreliable' as severity,
        coalesce(value_ratio > 1, false) as is_raised,
        value_ratio as measured,
        cast(1 as double) as threshold,
        value_rival as detail,
        'On past days a naive baseline forecast the money with less error' as meaning
    from measured

    union all

    select
        horizon_days,
        4 as check_number,
        'short_history' as check_name,
        'unreliable' as severity,
        coalesce(history_days < 2 * horizon_days, true) as is_raised,
        cast(history_days as double) as measured,
        cast(2 * horizon_days as double) as threshold,
        cast(null as {{ dbt.type_string() }}) as detail,
        'The history is shorter than twice the horizon' as meaning
    from measured

    union all

    select
        horizon_days,
        5 as check_number,
        'purchases_not_converged' as check_name,
        'unreliable' as severity,
        coalesce(purchases_converged, 0) = 0 as is_raised,
        cast(coalesce(purchases_converged, 0) as double) as measured,
        cast(1 as double) as threshold,
        cast(null as {{ dbt.type_string() }}) as detail,
        'The purchase model has no maximum that could be found: too little to learn from' as meaning
    from measured

    union all

    select
        horizon_days,
        6 as check_number,
        'spend_not_converged' as check_name,
        'unreliable' as severity,
        coalesce(spend_converged, 0) = 0 as is_raised,
        cast(coalesce(spend_converged, 0) as double) as measured,
        cast(1 as double) as threshold,
        cast(null as {{ dbt.type_string() }}) as detail,
        'The spend model has no maximum that could be found, or nobody came back to learn it from' as meaning
    from measured

    union all

    select
        horizon_days,
        7 as check_number,
        'value_without_mean' as check_name,
        'unreliable' as severity,
        coalesce(q <= 1.05, false) as is_raised,
        q as measured,
        cast(1.05 as double) as threshold,
        cast(null as {{ dbt.type_string() }}) as detail,
        'Order values vary so much between customers (q near 1) that their mean is hardly finite' as meaning
    from measured

    union all

    select
        horizon_days,
        8 as check_number,
        'left_truncated' as check_name,
        'note' as severity,
        coalesce(first_count > 2 * later_count / 3e0 and later_count > 0, false) as is_raised,
        cast(first_count as double) / nullif(later_count / 3e0, 0) as measured,
        cast(2 as double) as threshold,
        cast(null as {{ dbt.type_string() }}) as detail,
        'Many more customers first bought in the first 30 days than in the months after: the data begin in the middle of'
        || ' the shop''s life, and first orders before it are missing' as meaning
    from measured

    union all

    select
        horizon_days,
        9 as check_number,
        'frequency_and_value_correlated' as check_name,
        'note' as severity,
        coalesce(abs(frequency_value_correlation) > 0.3, false) as is_raised,
        frequency_value_correlation as measured,
        0.3 as threshold,
        cast(null as {{ dbt.type_string() }}) as detail,
        'Frequent customers spend much more, or less, per order; the spend model takes the two to be independent' as meaning
    from measured

    union all

    select
        horizon_days,
        10 as check_number,
        'value_ranking_beaten' as check_name,
        'note' as severity,
        coalesce(gini_lead > 0, false) as is_raised,
        gini_lead as measured,
        cast(0 as double) as threshold,
        gini_rival as detail,
        'On past days a naive baseline ordered customers better by the money that came' as meaning
    from measured

    union all

    select
        horizon_days,
        11 as check_number,
        'challenger_better' as check_name,
        'note' as severity,
        coalesce(challenger_ratio > 1 / 0.99e0, false) as is_raised,
        challenger_ratio as measured,
        1 / 0.99e0 as threshold,
        challenger_name as detail,
        'On past days boosted trees, alone or blended in, forecast the orders with over 1 percent less error' as meaning
    from measured

    union all

    select
        horizon_days,
        12 as check_number,
        'return_miscalibrated' as check_name,
        'note' as severity,
        coalesce(calibration_gap > 0.05, false) as is_raised,
        calibration_gap as measured,
        0.05 as threshold,
        cast(null as {{ dbt.type_string() }}) as detail,
        'On past days the probability of churn was off by more than 5 points in the mean tenth of customers' as meaning
    from measured

    union all

    select
        horizon_days,
        13 as check_number,
        'ranges_miscalibrated' as check_name,
        'note' as severity,
        coalesce(coverage_gap > 0.05, false) as is_raised,
        coverage_gap as measured,
        0.05 as threshold,
        cast(null as {{ dbt.type_string() }}) as detail,
        'On a past day ranges of 80 percent held more than 5 points more or fewer customers' as meaning
    from measured

    union all

    select
        horizon_days,
        14 as check_number,
        'sampling_error' as check_name,
        'note' as severity,
        coalesce(sampling_error > 0.05, true) as is_raised,
        sampling_error as measured,
        0.05 as threshold,
        cast(null as {{ dbt.type_string() }}) as detail,
        'Not knowing the parameters alone puts more than 5 percent of error into the total of orders' as meaning
    from measured

),

described as (

    select
        cast(horizon_days as int) as horizon_days,
        cast(check_number as int) as check_number,
        check_name,
        severity,
        is_raised,
        round(cast(measured as double), 9) as measured,
        cast(threshold as double) as threshold,
        detail,
        meaning

    from checks

)

select * from described
