{#- A view: ml_customers__segments stores the rows for other models too. -#}
{{ config(materialized='view') }}

with

segments as (

    select * from {{ ref('ml_customers__segments') }}

),

memberships as (

    select
        customer_id,
        segmentation,
        as_of_date,
        segment_key,
        distance,
        confidence,
        is_noise,
        is_current

    from segments

)

select * from memberships
