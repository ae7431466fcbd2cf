{{ config(materialized='table') }}

with

order_lines as (

    select * from {{ ref('int_order_lines') }}
    where not is_return and product_id is not null

),

products as (

    select * from {{ ref('stg_products') }}
    where product_id is not null

),

sold as (

    select
        product_id,
        min(unit_price) as min_unit_price,
        max(unit_price) as max_unit_price,
        min(order_date) as first_sold_date,
        max(order_date) as last_sold_date,
        count(*) as line_count,
        max(unit_cost) as unit_cost

    from order_lines

    group by product_id

),

-- The most frequent name and category, because cashiers sometimes replace a name, for example by "damaged".
used_names as (

    select
        product_id,
        trim(product_name) as product_name,
        row_number() over (
            partition by product_id
            order by count(*) desc, trim(product_name) asc
        ) as preference

    from order_lines

    where trim(product_name) <> ''

    group by product_id, trim(product_name)

),

used_categories as (

    select
        product_id,
        category,
        row_number() over (
            partition by product_id
            order by count(*) desc, category asc
        ) as preference

    from order_lines

    where category is not null

    group by product_id, category

),

catalogue as (

    select
        product_id,
        min(trim(product_name)) as product_name,
        min(category) as category,
        min(unit_cost) as unit_cost

    from products

    group by product_id

),

described as (

    select
        sold.product_id,
        coalesce(catalogue.product_name, used_names.product_name, sold.product_id) as product_name,
        coalesce(catalogue.category, used_categories.category) as category,
        coalesce(catalogue.unit_cost, sold.unit_cost) as unit_cost,
        sold.min_unit_price,
        sold.max_unit_price,
        sold.first_sold_date,
        sold.last_sold_date

    from sold

    left join catalogue
        on sold.product_id = catalogue.product_id

    left join used_names
        on
            sold.product_id = used_names.product_id
            and used_names.preference = 1

    left join used_categories
        on
            sold.product_id = used_categories.product_id
            and used_categories.preference = 1

),

-- A label that readers understand and that is unique.
labelled as (

    select
        *,
        case
            when count(*) over (partition by product_name) = 1 then product_name
            else concat(product_name, ' (', product_id, ')')
        end as product_label

    from described

)

select * from labelled
