with

rules as (

    select * from {{ ref('ml_rules__mined') }}

),

described as (

    select
        'all' as scope,
        'product' as item_level,
        antecedent,
        consequent,
        antecedent_items,
        consequent_items,
        cast(antecedent_length as int) as antecedent_length,
        cast(order_count as int) as order_count,
        cast(antecedent_count as int) as antecedent_count,
        cast(consequent_count as int) as consequent_count,
        cast(basket_count as int) as basket_count,
        cast(support as double) as support,
        cast(confidence as double) as confidence,
        cast(lift as double) as lift,
        cast(leverage as double) as leverage,
        cast(conviction as double) as conviction

    from rules

)

select * from described
