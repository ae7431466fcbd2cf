{%- set settings = recommendation_settings() -%}

with

tested as (

    select * from {{ ref('ml_recommendations__tested') }}

),

alone as (

    select * from tested
    where not is_filled

),

{{ method_preferences('alone') }},

filled as (

    select
        method,
        count(distinct customer_number) as hit_customer_count

    from tested

    where is_filled and is_hit and place <= {{ settings.count }}

    group by method

),

ranked as (

    select
        preferences.*,
        cast(coalesce(filled.hit_customer_count, 0) as int) as filled_hit_customer_count,
        row_number() over (
            order by
                {% if settings.pinned -%}
                case when preferences.method = '{{ settings.pinned }}' then 0 else 1 end asc,
                {% endif -%}
                coalesce(filled.hit_customer_count, 0) desc,
                preferences.preference asc
        ) = 1 as is_chosen

    from preferences

    left join filled
        on preferences.method = filled.method

),

methods as (

    select
        *,
        case when is_chosen then 0 else preference end as order_in_list

    from ranked

)

select * from methods
