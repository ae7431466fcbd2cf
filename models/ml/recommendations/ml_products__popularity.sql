with

customer_products as (

    select * from {{ ref('feat_customer_products') }}

),

products as (

    select * from {{ ref('feat_products') }}
    where is_recommendable

),

customers as (

    select * from {{ ref('ml_recommendations__customers') }}

),

scopes as (

    select
        period_number,
        'all' as scope,
        count(*) as scope_customer_count
    from customers
    group by period_number

    union all

    select
        period_number,
        segment_key as scope,
        count(*) as scope_customer_count
    from customers
    where segment_key is not null
    group by period_number, segment_key

),

-- A lapsing segment has few recent purchases, so all purchases of its customers count.
counted as (

    select
        period_number,
        'all' as scope,
        product_id,
        recent_customer_count as customer_count
    from products
    where recent_customer_count > 0
    {%- for last_bought_date in ['last_bought_date', 'earlier_last_bought_date'] %}

    union all

    select
        customers.period_number,
        customers.segment_key as scope,
        customer_products.product_id,
        count(*) as customer_count
    from customer_products
    inner join customers
        on
            customer_products.customer_number = customers.customer_number
            and customers.period_number = {{ loop.index0 }}
    where
        customer_products.{{ last_bought_date }} is not null
        and customers.segment_key is not null
    group by customers.period_number, customers.segment_key, customer_products.product_id
    {%- endfor %}

),

shares as (

    select
        counted.period_number,
        counted.scope,
        products.product_number,
        cast(counted.customer_count as int) as customer_count,
        cast(counted.customer_count as double) / scopes.scope_customer_count as customer_share,
        cast(products.customer_count as double) / everyone.scope_customer_count as share_of_everybody,
        cast(
            row_number() over (
                partition by counted.period_number, counted.scope
                order by counted.customer_count desc, products.product_number asc
            ) as int
        ) as popularity_rank

    from counted

    inner join products
        on
            counted.period_number = products.period_number
            and counted.product_id = products.product_id

    inner join scopes
        on
            counted.period_number = scopes.period_number
            and counted.scope = scopes.scope

    inner join scopes as everyone
        on
            counted.period_number = everyone.period_number
            and everyone.scope = 'all'

),

popular as (

    select
        period_number,
        scope,
        product_number,
        customer_count,
        customer_share,
        case when scope = 'all' then cast(1 as double) else customer_share / share_of_everybody end as lift,
        popularity_rank

    from shares

    -- Long enough for a customer who already has most popular products.
    where popularity_rank <= {{ var('recommendations_history_size') }}

)

select * from popular
