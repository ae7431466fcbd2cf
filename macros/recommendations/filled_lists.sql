{#-
    Fill lists from the CTE `offers` (list_name, customer_id, product_id, method, method_preference, method_rank): by
    preference of the methods, each product once. Expands to CTEs, the last of which is `filled` (with list_rank from 1).
-#}

{% macro filled_lists() %}

first_offers as (

    select
        *,
        row_number() over (
            partition by list_name, customer_id, product_id
            order by method_preference
        ) as offer_number

    from offers

),

filled as (

    select
        *,
        row_number() over (
            partition by list_name, customer_id
            order by method_preference, method_rank
        ) as list_rank

    from first_offers

    where offer_number = 1

)

{% endmacro %}
