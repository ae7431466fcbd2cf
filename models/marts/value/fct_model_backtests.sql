with

backtests as (

    select * from {{ ref('ml_clv__backtests') }}

),

published as (

    select max(model) as model
    from {{ ref('ml_clv__parameters') }}
    where model <> 'gamma_gamma'

),

described as (

    select

        -- keys
        backtests.target,
        backtests.model,
        backtests.cutoff_date,
        backtests.horizon_days,
        backtests.decile,
        backtests.is_same_season,

        -- the model
        backtests.model in ('last_window', 'rate', 'rfm_cell') as is_baseline,
        coalesce(backtests.model = published.model, false) as is_published,

        -- forecast and outcome
        backtests.customer_count,
        backtests.actual_mean,
        backtests.predicted_mean,

        -- errors
        backtests.mae,
        backtests.rmse,
        backtests.bias,
        backtests.normalised_gini,
        backtests.gini_error,
        backtests.top_decile_share,
        backtests.coverage_50,
        backtests.coverage_80,
        backtests.coverage_95

    from backtests

    cross join published

    -- Today's forecasts have no outcome.
    where backtests.customer_count is not null

)

select * from described
