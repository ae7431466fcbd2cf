{%- set settings = recommendation_settings() -%}

with

candidates as (

    select * from {{ ref('ml_recommendations__candidates') }}

),

preferences as (

    select * from {{ ref('ml_recommendations__preferences') }}

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
        customers.customer_number
        {%- for method in settings.methods %},
        coalesce({{ method }}.products, {{ no_items() }}) as {{ method }}
        {%- endfor %}

    from (select distinct customer_number from candidates) as customers
    {%- for method in settings.methods %}

    left join lists as {{ method }}
        on
            customers.customer_number = {{ method }}.customer_number
            and {{ method }}.method = '{{ method }}'
    {%- endfor %}

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

{{ filled_lists(settings.methods, settings.longest) }},

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

hits as (

    select
        method,
        count(distinct case when is_hit and place <= {{ settings.count }} then customer_number end) as hit_customer_count

    from judged

    group by method

),

chosen as (

    select
        hits.method,
        row_number() over (
            order by
                {% if settings.pinned -%}
                case when hits.method = '{{ settings.pinned }}' then 0 else 1 end asc,
                {% endif -%}
                hits.hit_customer_count desc,
                preferences.preference asc
        ) as choice

    from hits

    inner join preferences
        on hits.method = preferences.method

),

tested as (

    select
        judged.*,
        chosen.choice = 1 as is_chosen

    from judged

    inner join chosen
        on judged.method = chosen.method

)

select * from tested
