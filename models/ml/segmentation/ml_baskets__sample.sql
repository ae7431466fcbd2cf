{#- A view. Customers who bought none of the itemsets have shares of 0. -#}
{{ config(materialized='view') }}

with

sampled as (

    select * from {{ ref('feat_customers__segmentation_sample') }}

),

shares as (

    select * from {{ ref('ml_customers__itemsets') }}

),

versions as (

    select distinct version from shares

),

described as (

    select
        sampled.customer_id,
        sampled.as_of_date,
        sampled.period_number,
        sampled.rfm_segment_key,
        sampled.forward_amount,
        sampled.forward_order_count,
        {% for itemset in itemset_names() %}
        coalesce(shares.{{ itemset }}, 0) as {{ itemset }},
        {% endfor %}
        versions.version

    from sampled

    cross join versions

    left join shares
        on
            sampled.customer_id = shares.customer_id
            and sampled.as_of_date = shares.as_of_date
            and versions.version = shares.version

)

select * from described
