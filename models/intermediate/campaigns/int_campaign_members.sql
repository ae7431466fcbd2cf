{{ config(enabled=has_campaigns()) }}

with

campaigns as (

    select * from {{ ref('stg_campaigns') }}

),

today as (

    select as_of_date from {{ ref('int_as_of_dates') }}
    where is_current

),

members as (

    select
        campaigns.campaign_id,
        campaigns.customer_id,
        coalesce(campaigns.arm, 'treated') as arm,
        coalesce({{ is_control('campaigns.arm') }}, false) as is_control,
        cast(campaigns.assigned_at as date) as assigned_date,
        campaigns.segment,
        campaigns.cost,
        campaigns.is_randomised

    from campaigns

    inner join today
        on cast(campaigns.assigned_at as date) <= today.as_of_date

    where
        campaigns.campaign_id is not null
        and campaigns.customer_id is not null

)

select * from members
