{{ config(materialized='view') }} {#- Its readers take different columns. #}

with

-- With MBG/NBD a customer may leave after the first order, with BG/NBD only after a repeat order.
parameters as (

    select
        max(case when model <> 'gamma_gamma' then model end) as model,
        min(case when model = 'bg_nbd' then 0 else 1 end) as extra_dropouts,
        max(case when model <> 'gamma_gamma' and parameter = 'r' then estimate end) as r,
        max(case when model <> 'gamma_gamma' and parameter = 'alpha' then estimate end) as alpha,
        max(case when model <> 'gamma_gamma' and parameter = 'a' then estimate end) as a,
        max(case when model <> 'gamma_gamma' and parameter = 'b' then estimate end) as b,
        max(case when model = 'gamma_gamma' and parameter = 'p' then estimate end) as p,
        max(case when model = 'gamma_gamma' and parameter = 'q' then estimate end) as q,
        max(case when model = 'gamma_gamma' and parameter = 'v' then estimate end) as v

    from {{ ref('ml_clv__parameters') }}
),

-- Closed forms; see docs/methods/clv.md.
alive as (

    select
        histories.customer_id,
        histories.x,
        histories.x + {{ first_orders() }} as spend_count,
        histories.t,
        histories.t_x,
        parameters.model,
        parameters.r,
        parameters.alpha,
        parameters.a,
        parameters.b,
        parameters.p,
        parameters.q,
        parameters.v,
        histories.as_of_date,
        case
            when histories.x + parameters.extra_dropouts = 0 then 1.0
            else 1 / (
                1
                + parameters.a / (parameters.b + histories.x + parameters.extra_dropouts - 1)
                * power(
                    (parameters.alpha + histories.t) / (parameters.alpha + histories.t_x),
                    parameters.r + histories.x
                )
            )
        end as p_alive,
        parameters.v + (histories.x + {{ first_orders() }}) * coalesce(histories.order_value_mean, 0) as value_scale,
        case
            when histories.x + parameters.extra_dropouts = 0 then 0.0
            else parameters.b / (parameters.b + histories.x + parameters.extra_dropouts - 1)
        end as b_share

    from {{ ref('ml_customers__season_histories') }} as histories

    cross join parameters

),

-- Days to the next order: the Lomax quantile at level / p_alive; none if p_alive is not above the level.
waiting as (

    select
        *,
        {% for level in [0.1, 0.5, 0.9] -%}
        case
            when p_alive > {{ level }}
                then (alpha + t) * (power(1 - {{ level }} / p_alive, -1 / (r + x)) - 1)
        end as next_order_days_p{{ (level * 100) | round | int }},
        {% endfor -%}
        p * value_scale / (p * spend_count + q - 1) as expected_order_value

    from alive

),

-- The clock of the models runs on season days; dates are the shop's calendar. Some waits are too long for an integer.
dated as (

    select
        {% for level in [10, 50, 90] -%}
        case
            when {{ dbt.datediff('waiting.as_of_date', 'days_p' ~ level ~ '.reached_date', 'day') }} <= 730
                then days_p{{ level }}.reached_date
        end as next_order_date_p{{ level }},
        {% endfor -%}
        waiting.*

    from waiting
    {% for level in [10, 50, 90] %}
    left join {{ ref('ml_clv__seasons') }} as days_p{{ level }}
        on
            waiting.next_order_days_p{{ level }} <= 730
            and cast(ceil(least(waiting.next_order_days_p{{ level }}, 731)) as int) = days_p{{ level }}.day_number
    {%- endfor %}

),

ordering as (

    select
        dated.*,
        expected_orders.horizon_days,
        expected_orders.expected_orders_if_alive,
        expected_orders.discounted_orders_if_alive,
        expected_orders.order_square_if_alive,
        {% for parameter in ['r', 'alpha', 'a', 'b'] -%}
        expected_orders.log_gradient_{{ parameter }},
        {% endfor -%}
        {% for number in range(1, 12) -%}
        expected_orders.log_value_{{ number }},
        {% endfor -%}
        calibration.intercept,
        calibration.slope,
        calibration.value_factor,
        calibration.low_level,
        calibration.high_level,
        dated.p_alive
        * (
            1 - power((dated.alpha + dated.t) / (dated.alpha + dated.t + calibration.season_days), dated.r + dated.x)
        ) as p_order,
        {{ var('clv_margin_share') }} * expected_orders.discounted_orders_if_alive
        * dated.expected_order_value * calibration.value_factor as value_if_alive,
        {{ var('clv_margin_share') }} * expected_orders.discounted_orders_if_alive
        / expected_orders.expected_orders_if_alive * calibration.value_factor as value_per_amount

    from dated

    inner join {{ ref('ml_clv__expected_orders') }} as expected_orders
        on dated.x = expected_orders.x and dated.t = expected_orders.t

    inner join {{ ref('ml_clv__calibration') }} as calibration
        on expected_orders.horizon_days = calibration.horizon_days

),

-- The model's probability of an order, corrected by the outcomes of past days; 0 and 1 have no log odds.
calibrated as (

    select
        *,
        1 / (
            1 + exp(intercept + slope * ln(greatest(p_order, 1e-12) / greatest(1 - p_order, 1e-12)))
        ) as churn_probability

    from ordering

),

valued as (

    select
        customer_id,
        horizon_days,
        model,

        -- forecast
        p_alive,
        p_order,
        churn_probability,
        p_alive * expected_orders_if_alive as expected_orders,
        expected_order_value * value_factor as expected_order_value,
        p_alive * value_if_alive as clv,
        (1 - p_alive) * value_if_alive as value_at_risk,

        -- the customer's own range, as wide as past days asked for
        {% for name, level in [('p10', 'low_level'), ('p50', '0.5e0'), ('p90', 'high_level')] -%}
        value_per_amount * value_scale * {{ value_quantile(level) }} as clv_{{ name }},
        {% endfor -%}
        {%- for level in [10, 50, 90] -%}
        next_order_days_p{{ level }},
        next_order_date_p{{ level }},
        {% endfor %}
        -- chance: variances of orders and value, the latter null if the spend model has none
        p_alive * order_square_if_alive - power(p_alive * expected_orders_if_alive, 2) as order_variance,
        case
            when p * spend_count + q > 2
                then
                    power(value_per_amount * value_scale, 2) / ((p * spend_count + q - 1) * (p * spend_count + q - 2))
                    * p_alive * (p * expected_orders_if_alive + p * p * order_square_if_alive)
                    - power(p_alive * value_if_alive, 2)
        end as value_variance,

        -- uncertainty of the parameters: derivatives of ln(expected orders) and ln(value) by the logarithm of each
        log_gradient_r - (1 - p_alive) * r * ln((alpha + t) / (alpha + t_x)) as gradient_r,
        log_gradient_alpha + (1 - p_alive) * (r + x) * (alpha / (alpha + t_x) - alpha / (alpha + t)) as gradient_alpha,
        log_gradient_a - (1 - p_alive) as gradient_a,
        log_gradient_b + (1 - p_alive) * b_share as gradient_b,
        (q - 1) / (p * spend_count + q - 1) as gradient_p,
        -(q - 1) / (p * spend_count + q - 1) as gradient_q,
        v / value_scale as gradient_v

    from calibrated

)

select * from valued
