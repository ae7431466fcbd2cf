{{ config(enabled=has_campaigns(), materialized='table') }}

{#- Who is held out rests too: else the arms of the next audience would not be alike. Where arms were not randomised, the
    control is everybody else. -#}
{%- set table = var('source')['tables'].get('campaigns') or {} %}
{%- set control = text_literal(table.get('control', 'control')) %}
{%- set rests = 'true' if table.get('randomised', true) else "coalesce(campaigns.arm, 'treated') <> " ~ control %}

with

campaigns as (

    select * from {{ ref('stg_campaigns') }}

),

as_of as (

    select as_of_date from {{ ref('int_as_of_dates') }}
    where is_current

),

known as (

    select
        campaigns.customer_id,
        campaigns.campaign_id,
        cast(campaigns.assigned_at as date) as campaign_date

    from campaigns

    cross join as_of

    where
        campaigns.customer_id is not null
        and cast(campaigns.assigned_at as date) <= as_of.as_of_date
        and {{ rests }}

)

select
    customer_id,
    max(campaign_date) as last_campaign_date,
    cast(count(distinct campaign_id) as int) as campaign_count

from known

group by customer_id
