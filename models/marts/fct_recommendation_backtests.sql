with

backtests as (

    select * from {{ ref('ml_recommendations__backtests') }}

)

select * from backtests
