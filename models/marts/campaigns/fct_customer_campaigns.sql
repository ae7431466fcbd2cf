{{ config(enabled=has_campaigns()) }}

with

members as (

    select * from {{ ref('int_campaign_members') }}
    -- Who is held out rests too: else the arms of the next audience would not be comparable. Where arms were not randomised, the
    -- control is everyone else.
    where is_randomised or not is_control

)

select
    customer_id,
    max(assigned_date) as last_campaign_date,
    cast(count(distinct campaign_id) as int) as campaign_count

from members

group by customer_id
