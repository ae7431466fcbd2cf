{#- A view: one model reads it. -#}
{{ config(materialized='view') }}

with

sampled as (

    select * from {{ ref('feat_customers__segmentation_sample') }}
    where period_number = 0

),

segments as (

    select * from {{ ref('ml_customers__segments') }}
    where is_current

),

joined as (

    select
        segments.segmentation,
        segments.segment_key,
        {% for measure in behaviour_measures() %}
        sampled.{{ measure }},
        {% endfor %}
        sampled.customer_id

    from sampled

    inner join segments
        on sampled.customer_id = segments.customer_id

)

select * from joined
