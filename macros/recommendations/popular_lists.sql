{#-
    From the CTEs `customers` (customer_number, segment_key), `not_offered` (customer_number, products: an array) and
    `popularity`: the CTE `popular_lists`, a row per customer with the `length` most popular products among all customers
    (`popularity`) and among those of the segment (`segment_popularity`), as arrays of product numbers.
-#}

{% macro popular_lists(length) %}
{%- set depth = var('recommendations_history_size') %}

popular_in_segments as (

    select
        scope,
        {{ top_items('product_number', '-popularity_rank', depth) }} as products

    from popularity

    where scope <> 'all'

    group by scope

),

popular_with_all as (

    select coalesce({{ top_items('product_number', '-popularity_rank', depth) }}, {{ no_items() }}) as products
    from popularity
    where scope = 'all'

),

popular_and_owned as (

    select
        customers.customer_number,
        popular_with_all.products as popularity,
        coalesce(popular_in_segments.products, {{ no_items() }}) as segment_popularity,
        coalesce(not_offered.products, {{ no_items() }}) as owned

    from customers

    cross join popular_with_all

    left join popular_in_segments
        on customers.segment_key = popular_in_segments.scope

    left join not_offered
        on customers.customer_number = not_offered.customer_number

),

-- As many products as are owned may be dropped, so no list needs more than these.
popular_lists as (

    select
        customer_number,
        {%- for list in ['popularity', 'segment_popularity'] %}
        {{ first_items(items_without(first_items(list, length ~ ' + cardinality(owned)'), 'owned'), length) }} as {{ list }}
        {{- ',' if not loop.last }}
        {%- endfor %}

    from popular_and_owned

)

{%- endmacro %}
