{%- set settings = recommendation_settings() -%}

with

{{ recommendation_inputs(period_number=1) }},

new_products as (

    select * from {{ ref('feat_customer_new_products') }}

),

tested as (

    select customer_number
    from new_products
    group by customer_number

),

customers as (

    select
        customers.customer_number,
        customers.segment_key

    from {{ ref('ml_recommendations__customers') }} as customers

    inner join tested
        on customers.customer_number = tested.customer_number

    where customers.period_number = 1

),

-- The test covers products that are new to a customer, so no product is offered again.
{{ owned_products(is_offered_again=false) }},

{{ popular_lists(settings.longest) }},

{{ linked_products(settings.longest) }},

rule_histories as (

    select
        histories.customer_number,
        customers.segment_key,
        histories.product_number

    from histories

    inner join customers
        on histories.customer_number = customers.customer_number

),

{{ rule_lists('rule_histories', settings.longest) }},

lists as (

    select
        'rules' as method,
        customer_number,
        products
    from rule_lists
    {%- for method in ['segment_popularity', 'popularity'] %}

    union all

    select
        '{{ method }}' as method,
        customer_number,
        {{ method }} as products
    from popular_lists
    {%- endfor %}

),

{{ places_of_lists(settings.longest) }},

placed as (

    select
        lists.method,
        lists.customer_number,
        places.place,
        {{ item_at('lists.products', 'places.place') }} as product_number

    from lists

    inner join places
        on places.place <= cardinality(lists.products)

    union all

    select
        'co_occurrence' as method,
        customer_number,
        place,
        product_number

    from links

),

candidates as (

    select
        placed.method,
        placed.customer_number,
        placed.place,
        placed.product_number,
        new_products.product_id is not null as is_hit

    from placed

    inner join products
        on placed.product_number = products.product_number

    left join new_products
        on
            placed.customer_number = new_products.customer_number
            and products.product_id = new_products.product_id

)

select * from candidates
