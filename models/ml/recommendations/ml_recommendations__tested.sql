{%- set settings = recommendation_settings() -%}

with

candidates as (

    select * from {{ ref('ml_recommendations__candidates') }}

),

new_products as (

    select
        new_products.customer_number,
        products.product_number

    from {{ ref('feat_customer_new_products') }} as new_products

    inner join {{ ref('feat_products') }} as products
        on new_products.product_id = products.product_id

    where products.period_number = 1

),

{{ method_preferences('candidates') }},

lists as (

    select
        method,
        customer_number,
        {{ top_items('product_number', '-place', settings.longest) }} as products

    from candidates

    group by method, customer_number

),

by_customer as (

    select
        customer_number,
        coalesce(max(case when method = 'co_occurrence' then products end), {{ no_items() }}) as co_occurrence,
        coalesce(max(case when method = 'rules' then products end), {{ no_items() }}) as rules,
        coalesce(max(case when method = 'segment_popularity' then products end), {{ no_items() }}) as segment_popularity,
        coalesce(max(case when method = 'popularity' then products end), {{ no_items() }}) as popularity

    from lists

    group by customer_number

),

openings as (
    {% for method in settings.methods %}

    select
        '{{ method }}' as listing,
        {{ method }} as opening,
        *
    from by_customer
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

{{ filled_lists('preferences', settings.longest) }},

judged as (

    select
        filled.listing as method,
        filled.customer_number,
        filled.place,
        filled.product_number,
        new_products.product_number is not null as is_hit

    from filled

    left join new_products
        on
            filled.customer_number = new_products.customer_number
            and filled.product_number = new_products.product_number

),

all_lists as (

    select
        method,
        true as is_filled,
        customer_number,
        place,
        product_number,
        is_hit
    from judged

    union all

    select
        method,
        false as is_filled,
        customer_number,
        place,
        product_number,
        is_hit
    from candidates

),

tested as (

    select
        *,
        is_hit
        and row_number() over (
            partition by method, is_filled, customer_number, is_hit
            order by place
        ) = 1 as is_first_hit

    from all_lists

)

select * from tested
