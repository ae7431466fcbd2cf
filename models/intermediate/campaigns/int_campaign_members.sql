{{ config(enabled=has_campaigns()) }}

with

campaigns as (

    select * from {{ of_persons('campaigns') }} as campaigns

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
{%- if has_identities() %},

-- A person who was assigned twice, under two customers, counts as first assigned; on one day, as not contacted.
numbered as (

    select
        *,
        row_number() over (
            partition by campaign_id, customer_id
            order by assigned_date, case when is_control then 0 else 1 end, arm
        ) as assignment_number

    from members

)

select
    campaign_id,
    customer_id,
    arm,
    is_control,
    assigned_date,
    segment,
    cost,
    is_randomised

from numbered

where assignment_number = 1
{%- else %}

select * from members
{%- endif %}
