{%- set settings = recommendation_settings() -%}

with

{{ recommendation_inputs(period_number=0) }},

customers as (

    select * from {{ ref('ml_recommendations__customers') }}
    where period_number = 0

),

tested as (

    select * from {{ ref('ml_recommendations__tested') }}

),

preferences as (

    select * from {{ ref('ml_recommendations__preferences') }}

),

-- The usual order of the methods stands if nothing could be tested.
chosen as (

    select coalesce(max(case when is_chosen then method end), '{{ settings.pinned or settings.methods[0] }}') as method
    from tested

),

had as (

    select
        customer_products.customer_number,
        customer_products.is_in_history,
        products.product_number,
        products.is_bought_again

    from customer_products

    inner join products
        on customer_products.product_id = products.product_id

),

owned as (

    select * from had
    where not is_bought_again

),

not_offered as (

    select
        customer_number,
        array_agg(product_number) as products

    from owned

    group by customer_number

),

{{ popular_lists(settings.count) }},

positions as (

    select
        {%- for method in settings.methods %}
        max(
            case when preferences.method = '{{ method }}' then case when chosen.method = '{{ method }}' then 0 else preferences.preference end end
        ) as {{ method }}{{ ',' if not loop.last }}
        {%- endfor %}

    from preferences

    cross join chosen

),

-- The other methods cost more, so they are asked only for customers whose list no preferred method of popularity fills.
asked as (

    select
        customers.customer_number,
        customers.segment_key,
        positions.rules,
        positions.co_occurrence,
        coalesce(
            least(
                {%- for method in ['segment_popularity', 'popularity'] %}
                case when cardinality(popular_lists.{{ method }}) >= {{ settings.count }} then positions.{{ method }} end{{ ',' if not loop.last }}
                {%- endfor %}
            ),
            {{ settings.methods | length + 1 }}
        ) as filled_from

    from customers

    inner join popular_lists
        on customers.customer_number = popular_lists.customer_number

    cross join positions

),
{%- for histories, method in {'link_histories': 'co_occurrence', 'rule_histories': 'rules'}.items() %}

{{ histories }} as (

    select
        asked.customer_number,
        asked.segment_key,
        had.product_number

    from had

    inner join asked
        on had.customer_number = asked.customer_number

    where had.is_in_history and asked.{{ method }} < asked.filled_from

),
{%- endfor %}

{{ link_lists(settings.count) }},

{{ rule_lists(settings.count, settings.longest) }},

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
        chosen.method as listing,
        case chosen.method
            {%- for method in settings.methods %}
            when '{{ method }}' then by_customer.{{ method }}
            {%- endfor %}
        end as opening,
        by_customer.*

    from by_customer

    cross join chosen

),

{{ filled_lists(settings.methods, settings.count) }},

links as (

    select
        filled.customer_number,
        filled.product_number,
        sum(pairs.similarity_millionths) as similarity_millionths,
        count(*) as link_count,
        -- The strongest link and its product in one number: similarity first, then the product.
        max(pairs.similarity_millionths * 1000000000 + pairs.product_number) as strongest_link

    from filled

    inner join link_histories
        on filled.customer_number = link_histories.customer_number

    inner join pairs
        on
            link_histories.product_number = pairs.product_number
            and filled.product_number = pairs.other_product_number

    where filled.method = 'co_occurrence'

    group by filled.customer_number, filled.product_number

),

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
        cast(links.link_count as int) as link_count,
        links.strongest_link % 1000000000 as because_product_number

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
