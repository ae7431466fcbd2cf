{#-
    From the CTEs `link_histories` (customer_number, product_number), `owned` (customer_number, product_number) and `pairs`:
    the CTE `link_lists`, a row per customer with the `length` products whose similarities with the customer's products sum
    to most, as an array of product numbers.
-#}

{% macro link_lists(length) %}

linked as (

    select
        link_histories.customer_number,
        pairs.other_product_number as product_number,
        sum(pairs.similarity_millionths) as similarity_millionths

    from link_histories

    inner join pairs
        on link_histories.product_number = pairs.product_number

    group by link_histories.customer_number, pairs.other_product_number

),

-- Of equally similar products, the one with the smaller number, which has more customers.
link_lists as (

    select
        linked.customer_number,
        {{ top_items(
            'linked.product_number', 'linked.similarity_millionths * 1000000000 - linked.product_number', length
        ) }} as products

    from linked

    left join owned
        on
            linked.customer_number = owned.customer_number
            and linked.product_number = owned.product_number

    where owned.product_number is null

    group by linked.customer_number

)

{%- endmacro %}
