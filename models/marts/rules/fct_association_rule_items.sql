with

rule_items as (

    select * from {{ ref('ml_rules__items') }}
    where period_number = 0

),

items as (

    select * from {{ ref('feat_items') }}

),

-- A category occurs as the item of many products.
named as (

    select
        item_level,
        item,
        is_category,
        max(case when is_category then category else product_id end) as item_key

    from items

    group by item_level, item, is_category

),

described as (

    select
        rule_items.rule_key,
        rule_items.side,
        named.item_key,
        rule_items.item,
        case when named.is_category then 'category' else 'product' end as item_kind

    from rule_items

    inner join named
        on
            rule_items.item_level = named.item_level
            and rule_items.item = named.item

)

select * from described
