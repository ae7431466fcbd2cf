{#- A view, because its readers take different columns. -#}
{{ config(materialized='view') }}

with

purchase_days as (

    select * from {{ ref('feat_customers__purchase_days') }}

),

seasons as (

    select
        day_number,
        season_days

    from {{ ref('ml_clv__seasons') }}

),

-- A shop that opened today has no calendar: its days count as they are.
dated as (

    select
        purchase_days.customer_id,
        purchase_days.as_of_date,
        purchase_days.x,
        purchase_days.order_value_mean,
        coalesce(first_days.season_days, cast(-purchase_days.t as double)) as first_season_days,
        coalesce(last_days.season_days, cast(purchase_days.t_x - purchase_days.t as double)) as last_season_days

    from purchase_days

    left join seasons as first_days
        on -purchase_days.t = first_days.day_number

    left join seasons as last_days
        on purchase_days.t_x - purchase_days.t = last_days.day_number

),

-- Rounded, as Python rounds: equal histories are then equal on every engine.
histories as (

    select
        customer_id,
        as_of_date,
        x,
        order_value_mean,
        round(last_season_days - first_season_days, 2) as t_x,
        -- 0, not minus 0, for a customer who is new today
        round(0 - first_season_days, 2) as t

    from dated

)

select * from histories
