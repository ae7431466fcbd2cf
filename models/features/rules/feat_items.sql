{%- set levels = var('rules_item_levels') %}
{%- if levels is not iterable or levels is string or not levels or levels | reject('in', ['product', 'category', 'mixed']) | list %}
{{ exceptions.raise_compiler_error(
    "rules_item_levels=" ~ levels ~ ": give a list of one or more of product, category, mixed"
) }}
{%- endif %}

with

products as (

    select
        *,
        cast(row_number() over (order by product_id) as int) as product_number
    from {{ ref('int_products') }}

),

-- The level of products is always included, because baskets refer to its numbers.
items as (

    select
        'product' as item_level,
        product_number,
        product_id,
        category,
        product_label,
        product_label as item,
        false as is_category
    from products
    {%- if 'mixed' in levels %}

    union all

    select
        'mixed' as item_level,
        product_number,
        product_id,
        category,
        product_label,
        product_label as item,
        false as is_category
    from products
    {%- endif %}
    {%- for level in ['category', 'mixed'] if level in levels %}

    union all

    select
        '{{ level }}' as item_level,
        product_number,
        product_id,
        category,
        product_label,
        {{ "concat('any ', category)" if level == 'mixed' else 'category' }} as item,
        true as is_category
    from products
    where category is not null
    {%- endfor %}

)

select * from items
