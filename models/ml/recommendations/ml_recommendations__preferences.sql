{%- set settings = recommendation_settings() -%}

with

candidates as (

    select * from {{ ref('ml_recommendations__candidates') }}
    where period = 'earlier' and method_rank <= {{ settings.count }}

),

new_products as (

    select * from {{ ref('feat_customer_new_products') }}

),

methods as (
    {% for method in settings.methods %}

    select
        '{{ method }}' as method,
        {{ loop.index }} as usual_order
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

hits as (

    select
        candidates.method,
        count(distinct candidates.customer_id) as hit_customer_count

    from candidates

    inner join new_products
        on
            candidates.customer_id = new_products.customer_id
            and candidates.product_id = new_products.product_id

    group by candidates.method

),

preferences as (

    select
        methods.method,
        cast(coalesce(hits.hit_customer_count, 0) as int) as hit_customer_count,
        cast(
            row_number() over (
                order by coalesce(hits.hit_customer_count, 0) desc, methods.usual_order asc
            ) as int
        ) as preference

    from methods

    left join hits
        on methods.method = hits.method

)

select * from preferences
