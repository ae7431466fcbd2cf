{#-
    Fill lists from the CTE `offers` (listing, customer_id, product_id, method, method_preference, method_rank): by
    preference of the methods, each product once. Expands to CTEs, the last of which is `filled` (with place from 1).
-#}

{% macro filled_lists() %}

first_offers as (

    select
        *,
        row_number() over (
            partition by listing, customer_id, product_id
            order by method_preference
        ) as offer_number

    from offers

),

filled as (

    select
        *,
        row_number() over (
            partition by listing, customer_id
            order by method_preference, method_rank
        ) as place

    from first_offers

    where offer_number = 1

)

{% endmacro %}
