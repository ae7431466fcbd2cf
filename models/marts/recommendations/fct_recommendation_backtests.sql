with

backtests as (

    select * from {{ ref('ml_recommendations__backtests') }}

),

measured as (

    select
        method,
        is_filled,
        scope,
        k,
        customer_count,
        hit_rate,
        hit_rate_se,
        hit_rate_gain,
        hit_rate_gain_se,
        mrr,
        precision_at_k,
        recall_at_k,
        catalogue_coverage,
        is_chosen

    from backtests

)

select * from measured
