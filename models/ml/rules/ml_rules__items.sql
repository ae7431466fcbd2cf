with

rules as (

    select * from {{ ref('ml_rules__mined') }}

),

items as (

    select
        period_number,
        item_level,
        rule_key,
        scope,
        'antecedent' as side,
        {{ each_json_text('antecedent_items') }} as item
    from rules

    union all

    select
        period_number,
        item_level,
        rule_key,
        scope,
        'consequent' as side,
        {{ each_json_text('consequent_items') }} as item
    from rules

)

select * from items
