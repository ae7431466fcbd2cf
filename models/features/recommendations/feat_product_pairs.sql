with

customer_products as (

    select * from {{ ref('feat_customer_products') }}
    where recency_rank <= {{ var('recommendations_history_size') }}

),

products as (

    select * from {{ ref('feat_products') }}
    where is_known_well

),

ordered as (

    select
        period,
        customer_id,
        row_number() over (partition by period order by md5(customer_id) asc, customer_id asc) as place

    from customer_products

    where recency_rank = 1

),

-- Numbers that no two days share: counting by them is the same work for two days as for one.
sampled as (

    select
        period,
        customer_id,
        case when period = 'whole' then cast(place as int) else cast(-place as int) end as customer_number

    from ordered

    where place <= {{ var('recommendations_sample_size') }}

),

held as (

    select
        sampled.customer_number,
        products.product_number

    from customer_products

    inner join sampled
        on
            customer_products.period = sampled.period
            and customer_products.customer_id = sampled.customer_id

    inner join products
        on
            customer_products.period = products.period
            and customer_products.product_id = products.product_id

),

customer_counts as (

    select
        period,
        count(*) as customer_count

    from sampled

    group by period

),

product_counts as (

    select
        product_number,
        count(*) as customer_count

    from held

    group by product_number

),

pair_counts as (

    select
        one.product_number,
        other.product_number as other_product_number,
        count(*) as customer_count

    from held as one

    inner join held as other
        on
            one.customer_number = other.customer_number
            and one.product_number < other.product_number

    group by one.product_number, other.product_number

    -- Two who have the same two products are a coincidence.
    having count(*) > 2

),

both_ways as (

    select
        product_number,
        other_product_number,
        customer_count
    from pair_counts

    union all

    select
        other_product_number as product_number,
        product_number as other_product_number,
        customer_count
    from pair_counts

),

-- Whole millionths: their sums are the same in any order of rows.
measured as (

    select
        products.period,
        both_ways.product_number,
        both_ways.other_product_number,
        both_ways.customer_count,
        cast(
            floor(
                1000000 * cast(both_ways.customer_count as double)
                / sqrt(cast(one.customer_count as double) * cast(other.customer_count as double))
            ) as bigint
        ) as similarity_millionths,
        cast(both_ways.customer_count as double) * customer_counts.customer_count
        / (cast(one.customer_count as double) * other.customer_count) as lift

    from both_ways

    inner join products
        on
            both_ways.other_product_number = products.product_number
            and products.is_recommendable

    inner join product_counts as one
        on both_ways.product_number = one.product_number

    inner join product_counts as other
        on both_ways.other_product_number = other.product_number

    inner join customer_counts
        on products.period = customer_counts.period

),

ranked as (

    select
        *,
        row_number() over (
            partition by product_number
            order by similarity_millionths desc, other_product_number asc
        ) as neighbour_rank

    from measured

),

neighbours as (

    select
        period,
        product_number,
        other_product_number,
        cast(customer_count as int) as customer_count,
        similarity_millionths,
        lift,
        cast(neighbour_rank as int) as neighbour_rank

    from ranked

    where neighbour_rank <= {{ var('recommendations_neighbours') }}

)

select * from neighbours
