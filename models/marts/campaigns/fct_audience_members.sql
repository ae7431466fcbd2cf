{%- set read = audiences() %}

with

customers as (

    select * from {{ ref('dim_customers') }}

),

rfm as (

    select * from {{ ref('fct_customer_rfm') }}

),

features as (

    select * from {{ ref('fct_customer_features') }}

),

customer_values as (

    select * from {{ ref('fct_customer_values') }}
    where horizon_days = {{ var('clv_band_horizon_days') }}

),

actions as (

    select * from {{ ref('fct_customer_actions') }}

),

offers as (

    select * from {{ ref('fct_product_recommendations') }}
    where rank = 1

),

as_of as (

    select as_of_date from {{ ref('int_as_of_dates') }}
    where is_current

),

{%- if has_campaigns() %}

contacts as (

    select * from {{ ref('fct_customer_campaigns') }}

),
{%- endif %}

{{
    audience_members(
        read['columns'], read['audiences'], var('audiences_salt'),
        hash_threshold(var('audiences_global_holdout_share')), has_contacts=has_campaigns()
    )
}}

select * from members
