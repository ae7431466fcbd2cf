{#- A view: one model reads it. -#}
{{ config(materialized='view') }}

with

histories as (

    select * from {{ ref('feat_customers__purchase_days') }}

),

expected_orders as (

    select * from {{ ref('ml_clv__expected_orders') }}

),

fitted as (

    select * from {{ ref('ml_clv__parameters') }}

),

parameters as (

    select
        max(case when model <> 'gamma_gamma' then model end) as model,
        max(case when model <> 'gamma_gamma' and parameter = 'r' then estimate end) as r,
        max(case when model <> 'gamma_gamma' and parameter = 'alpha' then estimate end) as alpha,
        max(case when model <> 'gamma_gamma' and parameter = 'a' then estimate end) as a,
        max(case when model <> 'gamma_gamma' and parameter = 'b' then estimate end) as b,
        max(case when model = 'gamma_gamma' and parameter = 'p' then estimate end) as p,
        max(case when model = 'gamma_gamma' and parameter = 'q' then estimate end) as q,
        max(case when model = 'gamma_gamma' and parameter = 'v' then estimate end) as v

    from fitted

),

-- Closed forms; see docs/methods/clv.md. MBG/NBD lets a customer leave after the first order already, BG/NBD does not.
scored as (

    select
        histories.customer_id,
        histories.x,
        histories.t,
        parameters.model,
        case
            when parameters.model = 'bg_nbd' and histories.x = 0 then 1.0
            else 1 / (
                1
                + parameters.a
                / (parameters.b + histories.x - case when parameters.model = 'bg_nbd' then 1 else 0 end)
                * power(
                    (parameters.alpha + histories.t) / (parameters.alpha + histories.t_x),
                    parameters.r + histories.x
                )
            )
        end as p_alive,
        parameters.p * (parameters.v + histories.x * coalesce(histories.order_value_mean, 0))
        / (parameters.p * histories.x + parameters.q - 1) as expected_order_value

    from histories

    cross join parameters

),

valued as (

    select
        scored.customer_id,
        expected_orders.horizon_days,
        scored.model,
        scored.p_alive,
        scored.p_alive * expected_orders.expected_orders_if_alive as expected_orders,
        scored.expected_order_value,
        {{ var('clv_margin_share') }} * scored.p_alive * expected_orders.discounted_orders_if_alive
        * scored.expected_order_value as clv

    from scored

    inner join expected_orders
        on
            scored.x = expected_orders.x
            and scored.t = expected_orders.t

)

select * from valued
