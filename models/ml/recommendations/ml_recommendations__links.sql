{%- set settings = recommendation_settings() -%}

with

{{ recommendation_inputs(period_number=0) }},

methods as (

    select * from {{ ref('ml_recommendations__methods') }}

),

customers_known as (

    select * from {{ ref('ml_recommendations__customers') }}
    where period_number = 0

),

popular as (

    select
        popularity.scope,
        count(*) as product_count

    from popularity

    inner join methods
        on case when popularity.scope = 'all' then 'popularity' else 'segment_popularity' end = methods.method

    inner join methods as links
        on links.method = 'co_occurrence' and methods.list_order < links.list_order

    group by popularity.scope

),

-- Links are looked up only for lists that no preferred method of popularity is sure to fill.
customers as (

    select
        customers_known.customer_number,
        customers_known.segment_key

    from customers_known

    left join popular as with_all
        on with_all.scope = 'all'

    left join popular as in_segment
        on customers_known.segment_key = in_segment.scope

    where
        greatest(coalesce(with_all.product_count, 0), coalesce(in_segment.product_count, 0))
        < customers_known.product_count + {{ settings.count }}

),

{{ owned_products(is_offered_again=true) }},

{{ link_lists('histories', settings.count) }},

{{ list_places(settings.count) }},

shortlisted as (

    select
        link_lists.customer_number,
        {{ item_at('link_lists.products', 'places.place') }} as product_number

    from link_lists

    inner join places
        on places.place <= cardinality(link_lists.products)

),

links as (

    select
        shortlisted.customer_number,
        shortlisted.product_number,
        sum(pairs.similarity_millionths) as similarity_millionths,
        cast(count(*) as int) as link_count,
        -- The strongest link and its product in one number: similarity first, then the product.
        max(pairs.similarity_millionths * 1000000000 + pairs.product_number) % 1000000000 as because_product_number

    from shortlisted

    inner join histories
        on shortlisted.customer_number = histories.customer_number

    inner join pairs
        on
            histories.product_number = pairs.product_number
            and shortlisted.product_number = pairs.other_product_number

    group by shortlisted.customer_number, shortlisted.product_number

)

select * from links
