{%- set segmentation = var('rules_segmentation') %}
{%- if segmentation not in [none, 'behaviour', 'baskets', 'rfm'] %}
{{ exceptions.raise_compiler_error(
    "rules_segmentation='" ~ segmentation ~ "' is unknown; give behaviour, baskets, rfm or null"
) }}
{%- endif %}

with

orders as (

    select * from {{ ref('feat_baskets__orders') }}

),

segments as (

    select * from {{ ref('ml_customers__segments') }}
    where segmentation = '{{ segmentation }}'

),

-- Today's segment, and the one known on the comparison day.
labelled as (

    select
        orders.order_number,
        orders.basket_number,
        orders.is_holdout,
        today.segment_key,
        earlier.segment_key as earlier_segment_key

    from orders

    left join segments as today
        on
            orders.customer_id = today.customer_id
            and today.period_number = 0

    left join segments as earlier
        on
            orders.customer_id = earlier.customer_id
            and earlier.period_number = 1

)

select * from labelled
