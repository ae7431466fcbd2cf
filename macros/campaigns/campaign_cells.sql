{#-
    The sums of `feat_campaign_cells` for a block of campaigns. Each customer of each campaign counts, but only those who
    bought before or after are looked at one by one; of the others the number is enough.
-#}

{% macro campaign_cells(block) %}
with

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

    from {{ ref('int_campaign_members') }}

    where {{ is_in_block('campaign_id', block) }}

    group by campaign_id, arm, coalesce(segment, '')

),

campaigns as (

    select
        campaign_id,
        {{ campaign_window('campaign_id') }} as window_days,
        min(first_date) as first_date,
        max(last_date) as last_date

    from arms

    group by campaign_id

),

active as (

    select
        campaign_id,
        arm,
        segment,
        case when orders_before = 0 then 'none' when orders_before = 1 then 'one' else 'several' end as earlier_orders,
        count(*) as customer_count,
        {{ campaign_sums() }}

    from (
        select
            *,
            case when orders_after > 0 then 1e0 else 0e0 end as conversion_after,
            case when orders_before > 0 then 1e0 else 0e0 end as conversion_before

        from (
            select
                campaign_id,
                customer_id,
                arm,
                segment
                {%- for metric, value in {'orders': 'order_count', 'revenue': 'net_amount', 'margin': 'margin_amount'}.items() %},
                -- Null instead of zero: what is null costs no addition.
                cast(coalesce(sum(case when is_after then {{ value }} end), 0) as decimal(18, 4)) as {{ metric }}_after,
                cast(coalesce(sum(case when not is_after then {{ value }} end), 0) as decimal(18, 4)) as {{ metric }}_before
                {%- endfor %}

            from (
                select
                    members.campaign_id,
                    members.customer_id,
                    members.arm,
                    members.segment,
                    days.order_date >= members.assigned_date as is_after,
                    days.order_count,
                    days.net_amount,
                    days.margin_amount

                from (
                    select
                        campaign_id,
                        customer_id,
                        arm,
                        coalesce(segment, '') as segment,
                        assigned_date,
                        cast({{ dbt.dateadd('day', -var('campaigns_covariate_days'), 'assigned_date') }} as date) as first_date,
                        cast({{ dbt.dateadd('day', campaign_window('campaign_id'), 'assigned_date') }} as date) as end_date

                    from {{ ref('int_campaign_members') }}

                    where {{ is_in_block('campaign_id', block) }}
                ) as members

                inner join {{ ref('feat_customer_days') }} as days
                    on
                        members.customer_id = days.customer_id
                        and members.first_date <= days.order_date
                        and members.end_date > days.order_date

                where {{ is_day_of_block('days.order_date', block) }}
            ) as pairs

            -- A customer has one arm and one segment in a campaign.
            group by campaign_id, customer_id, arm, segment
        ) as customers
    ) as converted

    group by 1, 2, 3, 4

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
{% endmacro %}


{#- Adds the blocks after the first: one statement after another needs the memory of one block. -#}

{% macro insert_campaign_cells() %}
    {%- for block in campaign_blocks()[1:] %}
    insert into {{ this }}
    {{ campaign_cells(block) }};
    {%- endfor %}
{% endmacro %}
