{%- set levels = var('rules_item_levels') %}
{%- if levels is not iterable or levels is string or not levels or levels | reject('in', ['product', 'category', 'mixed']) | list %}
{{ exceptions.raise_compiler_error(
    "rules_item_levels=" ~ levels ~ ": give a list of one or more of product, category, mixed"
) }}
{%- endif %}

with

products as (

    select * from {{ ref('int_products') }}

),

items as (
    {%- for level in levels %}
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
