{{ config(enabled=has_experiments()) }}

{%- set window = '(' ~ campaign_window('members.campaign_id') ~ ')' %}
{%- set key = "md5(concat('uplift:', members.campaign_id, ':', members.customer_id))" %}

with

today as (

    select as_of_date from {{ ref('int_as_of_dates') }}
    where is_current

),

-- Only a window that is over says what came of it.
assigned as (

    select
        members.campaign_id,
        members.customer_id,
        members.assigned_date,
        members.is_control,
        members.arm,
        members.cost

    from {{ ref('int_campaign_members') }} as members

    inner join today
        on members.assigned_date <= cast({{ dbt.dateadd('day', '1 - ' ~ window, 'today.as_of_date') }} as date)

    where members.is_randomised

),

-- Without a control there is nothing to compare with.
recent as (

    select
        campaign_id,
        max(assigned_date) as campaign_date,
        count(*) as customer_count

    from assigned

    group by campaign_id

    having count(case when is_control then 1 end) > 0 and count(case when not is_control then 1 end) > 0

    order by campaign_date desc, campaign_id asc

    limit {{ var('uplift_campaigns') }}

),

-- The order of a hash decides who is sampled, and its last digit who is held out of the fit.
hashed as (

    select
        members.campaign_id,
        members.customer_id,
        members.assigned_date,
        recent.campaign_date,
        case when members.is_control then 'control' else members.arm end as arm,
        cast(coalesce(members.cost, 0) as double) as contact_cost,
        cast({{ dbt.dateadd('day', -1, 'members.assigned_date') }} as date) as known_date,
        cast({{ dbt.dateadd('day', window ~ ' - 1', 'members.assigned_date') }} as date) as last_date,
        substr({{ key }}, 32, 1) < '8' as is_held_out,
        row_number() over (partition by members.campaign_id order by {{ key }}, members.customer_id) as sample_number

    from assigned as members

    inner join recent
        on members.campaign_id = recent.campaign_id

    -- Of many customers it is enough to sort the sixteenth with the lowest hashes, which holds the whole sample.
    where recent.customer_count < 20 * {{ var('uplift_sample_size') }} or {{ key }} < '1'

),

sampled as (

    select * from hashed
    where sample_number <= {{ var('uplift_sample_size') }}

),

-- What is known of a customer ends on the day before the assignment.
as_of_dates as (

    select distinct
        customer_id,
        0 as period_number,
        known_date as as_of_date

    from sampled

),

customers as (

    select distinct customer_id from sampled

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

{{ behaviour_to_date(by_customer=true) }},

outcomes as (

    select
        sampled.campaign_id,
        sampled.customer_id,
        count(case when orders.is_purchase then 1 end) as next_order_count,
        sum(orders.net_amount) as next_amount

    from sampled

    inner join orders
        on
            sampled.customer_id = orders.customer_id
            and sampled.assigned_date <= orders.order_date
            and sampled.last_date >= orders.order_date

    group by sampled.campaign_id, sampled.customer_id

),

described as (

    select

        -- keys
        sampled.campaign_id,
        sampled.customer_id,
        sampled.arm,
        sampled.campaign_date,
        sampled.is_held_out,

        -- known on the day before
        {% for name, expression in uplift_features('behaviour').items() -%}
        {{ expression }} as {{ name }},
        {% endfor -%}
        {{ uplift_segment('behaviour') }} as uplift_segment,
        cast(behaviour.monetary as double) as monetary,
        behaviour.average_order_value as order_value,
        sampled.contact_cost,

        -- in the window
        cast(coalesce(outcomes.next_order_count, 0) as int) as next_order_count,
        cast(coalesce(outcomes.next_amount, 0) as double) as next_amount

    from sampled

    left join behaviour
        on sampled.customer_id = behaviour.customer_id and sampled.known_date = behaviour.as_of_date

    left join outcomes
        on sampled.campaign_id = outcomes.campaign_id and sampled.customer_id = outcomes.customer_id

)

select * from described
