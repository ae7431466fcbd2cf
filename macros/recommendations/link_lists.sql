{#-
    From the CTEs named by `histories` (customer_number, product_number), `owned` (customer_number, product_number) and
    `pairs`: the CTE `link_lists`, a row per customer with the `length` products whose similarities with the customer's
    products have the largest sums, as an array of product numbers.

    Customer and product are one number, as this is the largest sum of all: a key of two columns takes half as long again.
-#}

{% macro link_lists(histories, length) %}

linked as (

    select
        cast({{ histories }}.customer_number as bigint) * 1000000 + pairs.other_product_number as customer_product,
        cast(pairs.similarity_millionths as double) as similarity_millionths
    from {{ histories }}
    inner join pairs
        on {{ histories }}.product_number = pairs.product_number

    union all

    -- Far below zero: what a customer is not offered never has a positive sum.
    select
        cast(customer_number as bigint) * 1000000 + product_number as customer_product,
        -1000000000000 as similarity_millionths
    from owned

),

similar as (

    select
        customer_product % 1000000 as product_number,
        cast(floor(customer_product / 1000000) as int) as customer_number,
        sum(similarity_millionths) as similarity_millionths

    from linked

    group by customer_product

    having sum(similarity_millionths) > 0

),

-- Of equally similar products, the one with the smaller number, which has more customers.
link_lists as (

    select
        customer_number,
        {{ top_items('cast(product_number as int)', 'similarity_millionths * 1000000 - product_number', length) }} as products

    from similar

    group by customer_number

)

{%- endmacro %}
