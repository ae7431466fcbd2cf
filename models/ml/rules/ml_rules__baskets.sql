{%- set segmentation = var('rules_segmentation') %}
{%- if segmentation not in [none, 'behaviour', 'baskets', 'rfm'] %}
{{ exceptions.raise_compiler_error(
    "rules_segmentation='" ~ segmentation ~ "' is unknown; give behaviour, baskets, rfm or null"
) }}
{%- endif %}

with

baskets as (

    select * from {{ ref('feat_baskets') }}

),

orders as (

    select * from {{ ref('feat_baskets__orders') }}

),

items as (

    select * from {{ ref('feat_items') }}

),

segments as (

    select * from {{ ref('ml_customers__segments') }}
    where segmentation = '{{ segmentation }}'

),

-- Whose basket it is, by today's segments and by those known before the holdout began.
labelled as (

    select
        orders.order_id,
        orders.basket_id,
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

),

described as (

    select distinct
        items.item_level,
        labelled.basket_id,
        items.item,
        labelled.segment_key,
        labelled.earlier_segment_key,
        labelled.is_holdout

    from baskets

    inner join labelled
        on baskets.basket_id = labelled.order_id

    inner join items
        on baskets.item = items.product_label

)

select * from described
