{{ config(enabled=has_experiments()) }}

with

members as (

    select * from {{ ref('int_experiment_members') }}

),

customers as (

    select distinct customer_id from members

),

orders as (

    select int_orders.*
    from {{ ref('int_orders') }} as int_orders
    inner join customers
        on int_orders.customer_id = customers.customer_id

),

matched_returns as (

    select int_returns.*
    from {{ ref('int_returns') }} as int_returns
    inner join customers
        on int_returns.customer_id = customers.customer_id
    where not int_returns.is_reversal

),

-- What is known of a customer ends on the day before the assignment.
as_of_dates as (

    select distinct
        customer_id,
        0 as period_number,
        cast({{ dbt.dateadd('day', -1, 'campaign_date') }} as date) as as_of_date

    from members

),

{{ behaviour_to_date(by_customer=true) }},

outcomes as (

    select
        members.campaign_id,
        members.customer_id,
        count(*) as next_order_count,
        sum(orders.net_amount) as next_amount

    from members

    inner join orders
        on
            members.customer_id = orders.customer_id
            and members.campaign_date <= orders.order_date
            and {{ dbt.dateadd('day', var('uplift_window_days') - 1, 'members.campaign_date') }} >= orders.order_date

    where orders.is_purchase

    group by members.campaign_id, members.customer_id

),

described as (

    select

        -- keys
        members.campaign_id,
        members.customer_id,
        members.arm,
        members.campaign_date,
        members.last_date,
        members.is_held_out,

        -- known on the day before
        {% for name, expression in uplift_features('behaviour').items() -%}
        {{ expression }} as {{ name }},
        {% endfor -%}
        {{ uplift_segment('behaviour') }} as uplift_segment,
        cast(behaviour.monetary as double) as monetary,
        behaviour.average_order_value as order_value,
        cast(members.contact_cost as double) as contact_cost,

        -- in the window
        cast(coalesce(outcomes.next_order_count, 0) as int) as next_order_count,
        cast(coalesce(outcomes.next_amount, 0) as double) as next_amount

    from members

    left join behaviour
        on
            members.customer_id = behaviour.customer_id
            and cast({{ dbt.dateadd('day', -1, 'members.campaign_date') }} as date) = behaviour.as_of_date

    left join outcomes
        on members.campaign_id = outcomes.campaign_id and members.customer_id = outcomes.customer_id

)

select * from described
