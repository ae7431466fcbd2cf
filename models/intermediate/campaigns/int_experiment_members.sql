{{ config(enabled=has_experiments()) }}

{%- set table = var('source')['tables'].get('campaigns') or {} %}
{%- set key = "md5(concat('uplift:', members.campaign_id, ':', members.customer_id))" %}

with

campaigns as (

    select * from {{ ref('stg_campaigns') }}

),

as_of as (

    select as_of_date from {{ ref('int_as_of_dates') }}
    where is_current

),

assigned as (

    select
        campaigns.campaign_id,
        campaigns.customer_id,
        campaigns.assigned_at,
        cast(campaigns.assigned_at as date) as campaign_date,
        coalesce(campaigns.cost, 0) as contact_cost,
        case
            when campaigns.arm in ({{ text_literal(table.get('control', 'control')) }}, 'control') then 'control'
            else coalesce(campaigns.arm, 'treated')
        end as arm

    from campaigns

    cross join as_of

    -- Only a window that is over says what came of it.
    where
        campaigns.campaign_id is not null
        and campaigns.customer_id is not null
        and {{ dbt.dateadd('day', var('uplift_window_days') - 1, 'cast(campaigns.assigned_at as date)') }} <= as_of.as_of_date

),

-- Without a control there is nothing to compare with.
recent as (

    select
        campaign_id,
        max(campaign_date) as last_date,
        row_number() over (order by max(campaign_date) desc, campaign_id asc) as campaign_number

    from assigned

    group by campaign_id

    having count(case when arm = 'control' then 1 end) > 0 and count(case when arm <> 'control' then 1 end) > 0

),

-- The first assignment counts.
members as (

    select
        assigned.*,
        recent.last_date,
        row_number() over (
            partition by assigned.campaign_id, assigned.customer_id order by assigned.assigned_at, assigned.arm
        ) as assignment_number

    from assigned

    inner join recent
        on assigned.campaign_id = recent.campaign_id

    where recent.campaign_number <= {{ var('uplift_campaigns') }}

),

-- One hash decides who is sampled, and another part of it who is held out of the fit.
hashed as (

    select
        members.campaign_id,
        members.customer_id,
        members.arm,
        members.campaign_date,
        members.last_date,
        members.contact_cost,
        substr({{ key }}, 32, 1) < '8' as is_held_out,
        row_number() over (partition by members.campaign_id order by {{ key }}, members.customer_id) as sample_number

    from members

    where members.assignment_number = 1

),

sampled as (

    select
        campaign_id,
        customer_id,
        arm,
        campaign_date,
        last_date,
        contact_cost,
        is_held_out

    from hashed

    where sample_number <= {{ var('uplift_sample_size') }}

)

select * from sampled
