{#-
    From the CTEs `customers` (customer_number), `customer_products` and `products`: the CTEs `histories` (the
    last products of each customer, from which recommendations follow), `owned` (products that are not offered because the
    customer has them) and `not_offered` (the same as one array per customer). With `is_offered_again`, `owned` excludes
    products that customers buy again.
-#}

{% macro owned_products(is_offered_again) %}

had as (

    select
        customers.customer_number,
        products.product_number,
        products.is_bought_again,
        customer_products.is_in_history

    from customer_products

    inner join customers
        on customer_products.customer_number = customers.customer_number

    inner join products
        on customer_products.product_id = products.product_id

),

histories as (

    select
        customer_number,
        product_number
    from had
    where is_in_history

),

owned as (

    select
        customer_number,
        product_number
    from had
    {%- if is_offered_again %}
    where not is_bought_again
    {%- endif %}

),

not_offered as (

    select
        customer_number,
        array_agg(product_number) as products

    from owned

    group by customer_number

)

{%- endmacro %}
