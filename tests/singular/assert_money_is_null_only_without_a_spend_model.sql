-- With a spend model every customer has a value and a range; without one no customer has.

with

spend as (

    select count(*) > 0 as is_fitted
    from {{ ref('ml_clv__parameters') }}
    where model = 'gamma_gamma'

)

select
    customer_values.customer_id,
    customer_values.horizon_days,
    customer_values.clv

from {{ ref('fct_customer_values') }} as customer_values

cross join spend

where
    (customer_values.expected_order_value is not null) <> spend.is_fitted
    or (customer_values.clv is not null) <> spend.is_fitted
    or (customer_values.clv_p10 is not null) <> spend.is_fitted
    or (customer_values.clv_p50 is not null) <> spend.is_fitted
    or (customer_values.clv_p90 is not null) <> spend.is_fitted
    or (customer_values.value_at_risk is not null) <> spend.is_fitted
