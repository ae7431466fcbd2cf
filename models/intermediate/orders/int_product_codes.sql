with

order_lines as (

    select * from {{ ref('stg_order_lines') }}

),

non_product_codes as (

    select * from {{ ref('non_product_codes') }}
    where source in ('*', {{ dbt.string_literal(var('source')['name']) }})

),

product_codes as (

    select distinct product_id
    from order_lines
    where product_id is not null

),

-- If both match, a test code takes precedence over a non-product code.
matched as (

    select
        product_codes.product_id,
        max(non_product_codes.kind) as kind

    from product_codes

    inner join non_product_codes
        on (
            non_product_codes.match_type = 'code'
            and product_codes.product_id = non_product_codes.product_code
        )
        or (
            non_product_codes.match_type = 'pattern'
            and {{ matches('product_codes.product_id', 'non_product_codes.product_code') }}
        )

    group by product_codes.product_id

)

select * from matched
