{{ config(enabled=has_campaigns()) }}

{#-
    Each customer of each campaign counts, but only those who bought before or after are looked at one by one; of the others
    the number is enough. Campaigns are summed in blocks that follow one another in time, so that a block needs the purchases
    of a short time and little memory.
-#}
{%- set blocks = campaign_blocks() -%}

with

members as (

    select * from {{ ref('int_campaign_members') }}

),

customer_days as (

    select * from {{ ref('feat_customer_days') }}

),

arms as (

    select
        campaign_id,
        arm,
        coalesce(segment, '') as segment,
        min(case when is_control then 1 else 0 end) = 1 as is_control,
        min(case when is_randomised then 1 else 0 end) = 1 as is_randomised,
        min(assigned_date) as first_date,
        max(assigned_date) as last_date,
        count(*) as customer_count,
        sum(cost) as cost_amount

    from members

    group by campaign_id, arm, coalesce(segment, '')

),

campaigns as (

    select
        campaign_id,
        {{ campaign_window('campaign_id') }} as window_days,
        min(first_date) as first_date,
        max(last_date) as last_date,
        ntile({{ blocks }}) over (order by min(first_date), campaign_id) as block

    from arms

    group by campaign_id

),

active as (
    {%- for block in range(1, blocks + 1) %}

    select
        campaign_id,
        arm,
        segment,
        case when orders_before = 0 then 'none' when orders_before = 1 then 'one' else 'several' end as earlier_orders,
        count(*) as customer_count,
        {{ campaign_sums() }}

    from (
        select
            campaign_id,
            customer_id,
            min(arm) as arm,
            min(segment) as segment,
            cast(sum(case when is_after then order_count else 0 end) as double) as orders_after,
            cast(sum(case when is_after then 0 else order_count end) as double) as orders_before,
            sum(case when is_after then net_amount else 0 end) as revenue_after,
            sum(case when is_after then 0 else net_amount end) as revenue_before,
            sum(case when is_after then margin_amount else 0 end) as margin_after,
            sum(case when is_after then 0 else margin_amount end) as margin_before,
            cast(max(case when is_after and order_count > 0 then 1 else 0 end) as double) as conversion_after,
            cast(max(case when not is_after and order_count > 0 then 1 else 0 end) as double) as conversion_before

        from (
            select
                members.campaign_id,
                members.customer_id,
                members.arm,
                coalesce(members.segment, '') as segment,
                days.order_date >= members.assigned_date as is_after,
                days.order_count,
                days.net_amount,
                days.margin_amount

            from members

            inner join campaigns
                on members.campaign_id = campaigns.campaign_id

            inner join (
                select customer_days.*
                from customer_days
                inner join (
                    select min(first_date) as first_date, max(last_date) as last_date, max(window_days) as window_days
                    from campaigns where block = {{ block }}
                ) as span
                    on
                        customer_days.order_date >= {{ dbt.dateadd('day', -var('campaigns_covariate_days'), 'span.first_date') }}
                        and customer_days.order_date < {{ dbt.dateadd('day', 'span.window_days', 'span.last_date') }}
            ) as days
                on
                    members.customer_id = days.customer_id
                    and days.order_date >= {{ dbt.dateadd('day', -var('campaigns_covariate_days'), 'members.assigned_date') }}
                    and days.order_date < {{ dbt.dateadd('day', 'campaigns.window_days', 'members.assigned_date') }}

            where campaigns.block = {{ block }}
        ) as pairs

        group by campaign_id, customer_id
    ) as customers

    group by 1, 2, 3, 4
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

-- Those who neither bought before nor after.
silent as (

    select
        arms.campaign_id,
        arms.arm,
        arms.segment,
        'none' as earlier_orders,
        min(arms.customer_count) - coalesce(sum(active.customer_count), 0) as customer_count
        {%- for metric in campaign_metrics() %},
        0e0 as {{ metric }}_y, 0e0 as {{ metric }}_yy, 0e0 as {{ metric }}_x, 0e0 as {{ metric }}_xx, 0e0 as {{ metric }}_xy
        {%- endfor %}

    from arms

    left join active
        on
            arms.campaign_id = active.campaign_id
            and arms.arm = active.arm
            and arms.segment = active.segment

    group by arms.campaign_id, arms.arm, arms.segment

),

cells as (

    select
        campaign_id,
        arm,
        segment,
        earlier_orders,
        sum(customer_count) as customer_count
        {%- for metric in campaign_metrics() %}
        {%- for part in ['y', 'yy', 'x', 'xx', 'xy'] %},
        sum({{ metric }}_{{ part }}) as {{ metric }}_{{ part }}
        {%- endfor %}
        {%- endfor %}

    from (select * from active union all select * from silent) as both_kinds

    group by campaign_id, arm, segment, earlier_orders

)

select
    cells.*,
    arms.is_control,
    arms.is_randomised,
    arms.first_date,
    arms.last_date,
    -- Of the arm in the segment, on one row of them.
    case when cells.earlier_orders = 'none' then arms.cost_amount end as cost_amount,
    campaigns.window_days

from cells

inner join arms
    on
        cells.campaign_id = arms.campaign_id
        and cells.arm = arms.arm
        and cells.segment = arms.segment

inner join campaigns
    on cells.campaign_id = campaigns.campaign_id
