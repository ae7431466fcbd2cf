-- A customer without a forecast would be missing from every total.

with

customers as (

    select count(*) as customer_count from {{ ref('fct_customer_features') }}

),

horizons as (

    select
        horizon_days,
        count(*) as customer_count
    from {{ ref('fct_customer_values') }}
    group by horizon_days

),

wanted as (

    {% for days in var('clv_horizons_days') %}
    select {{ days }} as horizon_days
    {{ 'union all' if not loop.last }}
    {% endfor %}

)

select
    wanted.horizon_days,
    horizons.customer_count,
    customers.customer_count as expected_count

from wanted

cross join customers

left join horizons
    on wanted.horizon_days = horizons.horizon_days

where
    customers.customer_count > 0
    and coalesce(horizons.customer_count, 0) <> customers.customer_count
