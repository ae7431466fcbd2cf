with

products as (

    select * from {{ ref('int_products') }}

),

items as (
    {%- for level in var('rules_item_levels') %}
    {%- if level not in ['product', 'category', 'mixed'] %}
    {{ exceptions.raise_compiler_error(
        "rules_item_levels: '" ~ level ~ "' is unknown; give a list of product, category, mixed"
    ) }}
    {%- endif %}
    {%- if level in ['product', 'mixed'] %}

    select
        '{{ level }}' as item_level,
        product_id,
        category,
        product_label,
        product_label as item,
        false as is_category
    from products
    {{ 'union all' if level == 'mixed' or not loop.last }}
    {%- endif %}
    {%- if level in ['category', 'mixed'] %}

    select
        '{{ level }}' as item_level,
        product_id,
        category,
        product_label,
        {{ "concat('any ', category)" if level == 'mixed' else 'category' }} as item,
        true as is_category
    from products
    where category is not null
    {{ 'union all' if not loop.last }}
    {%- endif %}
    {%- endfor %}

)

select * from items
