{#-
    From the CTE named by `lists` (method, customer_number, place, is_hit), the lists of each method alone: the CTE
    `preferences` (method, hit_customer_count, preference), the order in which methods fill free
    places. The method that hits most customers with its first `recommendations_count` products has preference 1; without
    hits the order of `recommendation_settings` applies.
-#}

{% macro method_preferences(lists) %}
{%- set settings = recommendation_settings() %}

usual_order as (
    {% for method in settings.methods %}

    select
        '{{ method }}' as method,
        {{ loop.index }} as usual_place
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

hits_alone as (

    select
        method,
        count(distinct customer_number) as hit_customer_count

    from {{ lists }}

    where is_hit and place <= {{ settings.count }}

    group by method

),

preferences as (

    select
        usual_order.method,
        cast(coalesce(hits_alone.hit_customer_count, 0) as int) as hit_customer_count,
        cast(
            row_number() over (
                order by coalesce(hits_alone.hit_customer_count, 0) desc, usual_order.usual_place asc
            ) as int
        ) as preference

    from usual_order

    left join hits_alone
        on usual_order.method = hits_alone.method

)

{%- endmacro %}
