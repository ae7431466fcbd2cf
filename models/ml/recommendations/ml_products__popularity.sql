{%- set settings = recommendation_settings() -%}

with

customer_products as (

    select * from {{ ref('feat_customer_products') }}

),

products as (

    select * from {{ ref('feat_products') }}
    where is_recommendable

),

segments as (

    select
        customer_id,
        segment_key,
        case when period_number = 0 then 'whole' else 'earlier' end as period

    from {{ ref('ml_customers__segments') }}

    where segmentation = '{{ settings.segmentation }}' and period_number <= 1

),

scopes as (

    select
        period,
        customer_id,
        'all' as scope
    from customer_products
    where recency_rank = 1

    union all

    select
        customer_products.period,
        customer_products.customer_id,
        segments.segment_key as scope
    from customer_products
    inner join segments
        on
            customer_products.period = segments.period
            and customer_products.customer_id = segments.customer_id
    where customer_products.recency_rank = 1

),

scope_counts as (

    select
        period,
        scope,
        count(*) as scope_customer_count

    from scopes

    group by period, scope

),

counted as (

    select
        scopes.period,
        scopes.scope,
        products.product_id,
        count(*) as customer_count

    from customer_products

    inner join products
        on
            customer_products.period = products.period
            and customer_products.product_id = products.product_id

    inner join scopes
        on
            customer_products.period = scopes.period
            and customer_products.customer_id = scopes.customer_id

    -- Of a segment that is lapsing, hardly anybody bought of late: its taste shows in all that it bought.
    where customer_products.is_recent or scopes.scope <> 'all'

    group by scopes.period, scopes.scope, products.product_id

),

shares as (

    select
        counted.period,
        counted.scope,
        counted.product_id,
        cast(counted.customer_count as int) as customer_count,
        cast(counted.customer_count as double) / scope_counts.scope_customer_count as customer_share,
        cast(
            row_number() over (
                partition by counted.period, counted.scope
                order by counted.customer_count desc, counted.product_id asc
            ) as int
        ) as popularity_rank

    from counted

    inner join scope_counts
        on
            counted.period = scope_counts.period
            and counted.scope = scope_counts.scope

),

popular as (

    select
        shares.period,
        shares.scope,
        shares.product_id,
        shares.customer_count,
        shares.customer_share,
        shares.popularity_rank,
        case
            when shares.scope = 'all' then cast(1 as double)
            else
                shares.customer_share * everybody.scope_customer_count / cast(products.customer_count as double)
        end as lift

    from shares

    inner join products
        on
            shares.period = products.period
            and shares.product_id = products.product_id

    inner join scope_counts as everybody
        on
            shares.period = everybody.period
            and everybody.scope = 'all'

    -- Deep enough for a customer who has most of what is popular.
    where shares.popularity_rank <= {{ var('recommendations_history_size') }}

)

select * from popular
