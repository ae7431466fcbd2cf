{%- set settings = recommendation_settings() -%}

with

candidates as (

    select * from {{ ref('ml_recommendations__candidates') }}
    where place <= {{ settings.count }} and is_hit

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
        method,
        count(distinct customer_number) as hit_customer_count

    from candidates

    group by method

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
