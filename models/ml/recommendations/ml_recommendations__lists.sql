{%- set settings = recommendation_settings() -%}

with

{{ recommendation_inputs(period_number=0, with_pairs=false) }},

customers as (

    select * from {{ ref('ml_recommendations__customers') }}
    where period_number = 0

),

methods as (

    select * from {{ ref('ml_recommendations__methods') }}

),

links as (

    select * from {{ ref('ml_recommendations__links') }}

),

{{ owned_products(is_offered_again=true) }},

{{ popular_lists(settings.count) }},

link_lists as (

    select
        customer_number,
        {{ top_items('product_number', '-place', settings.count) }} as products

    from links

    group by customer_number

),

orders as (

    select
        max(case when method = 'co_occurrence' then order_in_list end) as co_occurrence,
        max(case when method = 'rules' then order_in_list end) as rules,
        max(case when method = 'segment_popularity' then order_in_list end) as segment_popularity,
        max(case when method = 'popularity' then order_in_list end) as popularity

    from methods

),

-- Rules are looked up only for lists that no preferred method fills.
asked as (

    select
        popular_lists.customer_number,
        customers.segment_key

    from popular_lists

    inner join customers
        on popular_lists.customer_number = customers.customer_number

    cross join orders

    left join link_lists
        on popular_lists.customer_number = link_lists.customer_number

    where
        case
            when orders.co_occurrence < orders.rules and cardinality(link_lists.products) >= {{ settings.count }}
                then false
            when
                orders.segment_popularity < orders.rules
                and cardinality(popular_lists.segment_popularity) >= {{ settings.count }}
                then false
            when orders.popularity < orders.rules and cardinality(popular_lists.popularity) >= {{ settings.count }}
                then false
            else true
        end

),

-- Grouped though distinct: engines would else join the histories of all customers with the rules first.
rule_histories as (

    select
        histories.customer_number,
        asked.segment_key,
        histories.product_number

    from histories

    inner join asked
        on histories.customer_number = asked.customer_number

    group by histories.customer_number, asked.segment_key, histories.product_number

),

{{ rule_lists('rule_histories', settings.count) }},

by_customer as (

    select
        popular_lists.*,
        coalesce(link_lists.products, {{ no_items() }}) as co_occurrence,
        coalesce(rule_lists.products, {{ no_items() }}) as rules

    from popular_lists

    left join link_lists
        on popular_lists.customer_number = link_lists.customer_number

    left join rule_lists
        on popular_lists.customer_number = rule_lists.customer_number

),

openings as (

    select
        methods.method as listing,
        case methods.method
            {%- for method in settings.methods %}
            when '{{ method }}' then by_customer.{{ method }}
            {%- endfor %}
        end as opening,
        by_customer.*

    from by_customer

    inner join methods
        on methods.is_chosen

),

{{ filled_lists('methods', settings.count) }},

lists as (

    select
        filled.customer_number,
        filled.place,
        filled.product_number,
        filled.method,
        filled.method <> filled.listing as is_filler,
        case filled.method
            when 'popularity' then 'all'
            when 'segment_popularity' then customers.segment_key
        end as popularity_scope,
        numbered_rules.rule_key,
        links.similarity_millionths,
        links.link_count,
        links.because_product_number

    from filled

    inner join customers
        on filled.customer_number = customers.customer_number

    left join best_rules
        on
            filled.method = 'rules'
            and filled.customer_number = best_rules.customer_number
            and filled.product_number = best_rules.product_number

    left join numbered_rules
        on best_rules.rule_number = numbered_rules.rule_number

    left join links
        on
            filled.method = 'co_occurrence'
            and filled.customer_number = links.customer_number
            and filled.product_number = links.product_number

)

select * from lists
