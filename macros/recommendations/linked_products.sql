{#-
    From the CTEs `histories` (customer_number, product_number), `owned` (customer_number, product_number) and `pairs`: the
    CTE `links`, for each customer the `length` products whose similarities with the customer's products have the largest
    sums; with the number of the customer's products that lead to each, and the one that leads to it by the strongest link.

    No other sum of the project has more groups: history times neighbours for each customer. Therefore customer and product
    are one number, and customers are summed in `blocks`, so that only one block needs memory at a time.
-#}

{% macro linked_products(length, blocks=1) %}

links as (
    {%- for block in range(blocks) %}

    select
        cast(floor(customer_product / 1000000) as int) as customer_number,
        cast(customer_product % 1000000 as int) as product_number,
        cast(similarity_millionths as bigint) as similarity_millionths,
        cast(link_count as int) as link_count,
        cast(strongest_link % 1000000 as int) as because_product_number,
        -- Of equally similar products, the one with the smaller number, which has more customers.
        cast(
            row_number() over (
                partition by floor(customer_product / 1000000)
                order by similarity_millionths * 1000000 - customer_product % 1000000 desc
            ) as int
        ) as place

    from (
        select
            customer_product,
            sum(similarity_millionths) as similarity_millionths,
            count(*) as link_count,
            -- The strongest link and its product in one number: similarity first, then the product.
            max(link) as strongest_link

        from (
            select
                cast(histories.customer_number as bigint) * 1000000 + pairs.other_product_number as customer_product,
                cast(pairs.similarity_millionths as double) as similarity_millionths,
                cast(pairs.similarity_millionths as bigint) * 1000000 + pairs.product_number as link
            from histories
            inner join pairs
                on histories.product_number = pairs.product_number
            where histories.customer_number % {{ blocks }} = {{ block }}

            union all

            -- Far below zero, so that a product that may not be offered never has a positive sum.
            select
                cast(customer_number as bigint) * 1000000 + product_number as customer_product,
                cast(-1000000000000 as double) as similarity_millionths,
                cast(0 as bigint) as link
            from owned
            where customer_number % {{ blocks }} = {{ block }}
        ) as linked

        group by customer_product

        having sum(similarity_millionths) > 0
    ) as summed

    qualify place <= {{ length }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}

)

{%- endmacro %}
