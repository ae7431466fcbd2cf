{{ config(enabled=has_campaigns(), materialized='view') }}

select * from {{ ref('int_customer_campaigns') }}
