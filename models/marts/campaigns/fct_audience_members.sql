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

uplifts as (
    {% if has_experiments() %}
    select * from {{ ref('fct_customer_uplift') }}
    where is_best_contact
    {% else %}
    -- Without a randomised campaign nothing is known of what a contact brings.
    select
        {%- for column in read['columns'] if column['relation'] == 'uplifts' %}
        cast(null as {{ column['type'] }}) as {{ column['column'] }},
        {%- endfor %}
        customer_id
    from customers
    where 1 = 0
    {% endif %}
),

visits as (
    {% if has_events() %}
    select * from {{ ref('fct_customer_visits') }}
    {% else %}
    select
        {%- for column in read['columns'] if column['relation'] == 'visits' %}
        cast(null as {{ column['type'] }}) as {{ column['column'] }},
        {%- endfor %}
        customer_id
    from customers
    where 1 = 0
    {% endif %}
),

reviews as (
    {% if has_reviews() %}
    select * from {{ ref('fct_customer_reviews') }}
    {% else %}
    select
        {%- for column in read['columns'] if column['relation'] == 'reviews' %}
        cast(null as {{ column['type'] }}) as {{ column['column'] }},
        {%- endfor %}
        customer_id
    from customers
    where 1 = 0
    {% endif %}
),

{%- if has_customer_attributes() %}

described as (

    select * from {{ ref('dim_customer_attributes') }}

),
{%- endif %}

as_of as (

    select max(as_of_date) as as_of_date from features

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
