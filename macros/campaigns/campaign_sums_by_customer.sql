{#-
    The sums over those who bought before or after, by arm, segment and earlier orders (`active`), and what is known of each
    arm (`arms`), for a block of campaigns. Only customers who bought are looked at one by one; of the others the number is
    enough.
-#}

{% macro campaign_sums_by_customer(block) %}
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

)
{% endmacro %}
