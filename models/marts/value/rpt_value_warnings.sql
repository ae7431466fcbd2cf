with

overall as (

    select * from {{ ref('fct_model_backtests') }}
    where decile = 0

),

histories as (

    select
        t,
        case when x > 0 and order_value_mean > 0 then ln(x) end as log_x,
        case when x > 0 and order_value_mean > 0 then ln(order_value_mean) end as log_value
    from {{ ref('feat_customers__purchase_days') }}

),

horizons as (
    {% for days in var('clv_horizons_days') %}

    select {{ days }} as horizon_days
    {{ 'union all' if not loop.last }}{% endfor %}

),

own as (

    select
        horizon_days,
        -- A window with few customers proves nothing.
        count(distinct case when customer_count >= 50 then cutoff_date end) as origin_count,
        count(distinct case when customer_count >= 50 and is_same_season then cutoff_date end) as season_count,
        max(abs(case when target in ('orders', 'amount') then coverage_80 - 0.8 end)) as coverage_gap
    from overall
    where is_published
    group by horizon_days

),

history as (

    select
        max(t) as history_days,
        case
            when min(log_x) < max(log_x) and min(log_value) < max(log_value)
                then round(covar_pop(log_x, log_value) / nullif(stddev_pop(log_x) * stddev_pop(log_value), 0), 6)
        end as frequency_value_correlation
    from histories

),

-- If the data begin in the middle of a shop's life, all its old customers seem to arrive at once.
arrivals as (

    select
        sum(case when histories.t > history.history_days - 30 then 1 else 0 end) as first_count,
        sum(
            case when histories.t between history.history_days - 119 and history.history_days - 30 then 1 else 0 end
        ) / 3e0 as later_count
    from histories
    cross join history

),

fits as (

    select
        min(case when model <> 'gamma_gamma' then case when has_converged then 1 else 0 end end) as purchases_converged,
        min(case when model = 'gamma_gamma' then case when has_converged then 1 else 0 end end) as spend_converged,
        max(case when model = 'gamma_gamma' and parameter = 'q' then estimate end) as q
    from {{ ref('ml_clv__parameters') }}

),

measured as (

    select
        horizons.horizon_days,
        checks.*,
        comparisons.detail,
        checks.threshold * case when checks.is_threshold_per_horizon_day then horizons.horizon_days else 1 end as own_threshold,
        case checks.check_name
            when 'not_backtested' then coalesce(own.origin_count, 0)
            when 'season_unseen' then coalesce(own.season_count, 0)
            when 'short_history' then history.history_days
            when 'purchases_not_converged' then coalesce(fits.purchases_converged, 0)
            when 'spend_not_converged' then coalesce(fits.spend_converged, 0)
            when 'value_without_mean' then fits.q
            when 'left_truncated' then arrivals.first_count / nullif(arrivals.later_count, 0)
            when 'frequency_and_value_correlated' then history.frequency_value_correlation
            when 'return_miscalibrated' then calibration.gap
            when 'ranges_miscalibrated' then own.coverage_gap
            when 'sampling_error' then sqrt(totals.order_estimation_variance) / nullif(totals.expected_orders, 0)
            else comparisons.measured
        end as measured_value

    from horizons
    cross join {{ ref('value_checks') }} as checks
    cross join history
    cross join arrivals
    cross join fits
    left join own on horizons.horizon_days = own.horizon_days
    left join {{ ref('ml_clv__calibration') }} as calibration on horizons.horizon_days = calibration.horizon_days
    left join {{ ref('ml_segments__values') }} as totals
        on horizons.horizon_days = totals.horizon_days and totals.segmentation = 'all'
    left join {{ ref('ml_clv__comparisons') }} as comparisons
        on
            horizons.horizon_days = comparisons.horizon_days
            and checks.check_name = comparisons.check_name

),

described as (

    select
        cast(horizon_days as int) as horizon_days,
        cast(check_number as int) as check_number,
        check_name,
        severity,
        case
            when measured_value is null then is_raised_if_unmeasured
            when is_raised_if = 'below' then measured_value < own_threshold
            when is_raised_if = 'above' then measured_value > own_threshold
            else abs(measured_value) > own_threshold
        end as is_raised,
        round(cast(measured_value as double), 9) as measured,
        cast(own_threshold as double) as threshold,
        detail,
        meaning

    from measured

)

select * from described
