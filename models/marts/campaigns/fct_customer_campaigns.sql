{{ config(enabled=has_campaigns(), materialized='view') }}

select
    customer_id,
    last_campaign_date,
    campaign_count

from {{ ref('int_customer_campaigns') }}
