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
        on links.method = 'co_occurrence' and methods.order_in_list < links.order_in_list

    group by popularity.scope

),

-- Links are needed only for lists that a preferred popularity method may not fill.
customers as (

    select customers_known.customer_number

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

{{ linked_products(settings.count, blocks=sum_blocks(16)) }}

select * from links
