{{ config(enabled=has_campaigns()) }}

{#-
    For campaigns that are no experiment: those treated, and those compared with them, in strata of what they had bought before.
    Compared are the control arm, if there is one, or else all customers who had bought and are not in the campaign.
    Members are not in a common table expression, which DuckDB would write to memory and disk.
#}

with

customer_days as (

    select * from {{ ref('feat_customer_days') }}

),

campaigns as (

    select
        campaign_id,
        min(window_days) as window_days,
        min(first_date) as first_date,
        max(case when is_control then 1 else 0 end) as has_control

    from {{ ref('feat_campaign_cells') }}

    group by campaign_id

    having max(case when is_randomised then 0 else 1 end) = 1 or max(case when is_control then 1 else 0 end) = 0

),

customers as (

    select
        customer_id,
        min(order_date) as first_date

    from customer_days

    where order_count > 0

    group by customer_id

),

chosen as (

    select
        members.campaign_id,
        members.customer_id,
        members.arm,
        members.is_control,
        members.assigned_date,
        campaigns.window_days

    from {{ ref('int_campaign_members') }} as members

    inner join campaigns
        on members.campaign_id = campaigns.campaign_id

),

people as (

    select * from chosen

    union all

    select
        campaigns.campaign_id,
        customers.customer_id,
        'control' as arm,
        true as is_control,
        campaigns.first_date as assigned_date,
        campaigns.window_days

    from customers

    inner join campaigns
        on
            customers.first_date < campaigns.first_date
            and campaigns.has_control = 0

    where
        not exists (
            select 1 from chosen
            where
                chosen.campaign_id = campaigns.campaign_id
                and chosen.customer_id = customers.customer_id
        )

),

-- What was bought in the year before the assignment, in the window before it, and in the window after it.
histories as (

    select
        people.campaign_id,
        people.customer_id,
        people.arm,
        people.is_control,
        {{ dbt.datediff(
            'max(case when bought.order_date < people.assigned_date and bought.order_count > 0 then bought.order_date end)',
            'min(people.assigned_date)', 'day'
        ) }} as recency_days,
        coalesce(sum(
            case
                when
                    bought.order_date < people.assigned_date
                    and bought.order_date >= {{ dbt.dateadd('day', -180, 'people.assigned_date') }}
                    then bought.order_count
            end
        ), 0) as recent_order_count,
        cast(
            coalesce(sum(case when bought.order_date < people.assigned_date then bought.net_amount end), 0) as decimal(18, 4)
        ) as year_amount,
        {{ window_sums() }}

    from people

    left join customer_days as bought
        on
            people.customer_id = bought.customer_id
            and bought.order_date >= {{ dbt.dateadd('day', -365, 'people.assigned_date') }}
            and bought.order_date < {{ dbt.dateadd('day', 'people.window_days', 'people.assigned_date') }}

    group by people.campaign_id, people.customer_id, people.arm, people.is_control

),

stratified as (

    select
        *,
        case when orders_after > 0 then 1e0 else 0e0 end as conversion_after,
        case when orders_before > 0 then 1e0 else 0e0 end as conversion_before,
        case
            when recency_days is null then 'nothing within a year'
            else concat(
                case
                    when recency_days <= 7 then '7' when recency_days <= 30 then '30'
                    when recency_days <= 90 then '90' when recency_days <= 180 then '180' else '365'
                end,
                ' days, ',
                case
                    when recent_order_count <= 4 then cast(recent_order_count as {{ dbt.type_string() }})
                    when recent_order_count <= 6 then '6' when recent_order_count <= 9 then '9'
                    when recent_order_count <= 14 then '14' when recent_order_count <= 24 then '24' else '25'
                end,
                ' orders, 4^',
                -- Bands of which each is four times as high as the one below.
                cast(cast(floor(ln(greatest(cast(year_amount as double), 1e0)) / ln(4e0)) as int) as {{ dbt.type_string() }})
            )
        end as stratum

    from histories

)

select
    campaign_id,
    arm,
    stratum,
    min(case when is_control then 1 else 0 end) = 1 as is_control,
    count(*) as customer_count,
    cast(sum(year_amount) as double) as year_amount,
    cast(sum({{ wide_amount('year_amount') }} * year_amount) as double) as year_amount_square,
    {{ campaign_sums() }}

from stratified

group by campaign_id, arm, stratum
