{#-
    Fill lists to `length` places, with each product once. The products of an opening method come first, then those of all
    methods in the order of preference.

    From the CTEs `openings` (listing: the opening method; customer_number; opening and, by the name of each method, arrays
    of product numbers) and the one named by `preferences` (method, preference): the CTE `filled`, a row per place with the
    `method` that the product comes from.
-#}

{% macro filled_lists(preferences, length) %}
{%- set methods = recommendation_settings().methods -%}
{%- set preferred = [] -%}
{%- for method in methods %}{% do preferred.append('products_' ~ loop.index) %}{% endfor %}

preferred as (

    select
        {%- for method in methods %}
        max(case when preference = {{ loop.index }} then method end) as method_{{ loop.index }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ preferences }}

),

ordered as (

    select
        openings.listing,
        openings.customer_number,
        openings.opening
        {%- for products in preferred %},
        preferred.method_{{ loop.index }},
        case preferred.method_{{ loop.index }}
            {%- for method in methods %}
            when '{{ method }}' then openings.{{ method }}
            {%- endfor %}
        end as {{ products }}
        {%- endfor %}

    from openings

    cross join preferred

),

merged as (

    select
        *,
        opening
        {%- for products in preferred %}
        || {{ items_without(products, (['opening'] + preferred[:loop.index0]) | join(' || ')) }}
        {%- endfor %} as products

    from ordered

),

{{ places_of_lists(length) }},

placed as (

    select
        merged.*,
        places.place,
        {{ item_at('merged.products', 'places.place') }} as product_number

    from merged

    inner join places
        on places.place <= cardinality(merged.products)

),

filled as (

    select
        listing,
        customer_number,
        place,
        product_number,
        case
            when array_contains(opening, product_number) then listing
            {%- for products in preferred %}
            when array_contains({{ products }}, product_number) then method_{{ loop.index }}
            {%- endfor %}
        end as method

    from placed

)

{%- endmacro %}
