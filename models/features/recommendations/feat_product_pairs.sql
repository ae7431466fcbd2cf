with

-- Numbers are given in the order of a hash, so the first ones are a random sample.
customer_products as (

    select * from {{ ref('feat_customer_products') }}
    where customer_number <= {{ var('recommendations_sample_size') }}

),

products as (

    select * from {{ ref('feat_products') }}
    where is_known_well

),

-- The earlier day's customers get negative numbers, so that one count covers both days.
histories as (

    select
        0 as period_number,
        customer_number,
        product_id
    from customer_products
    where is_in_history

    union all

    select
        1 as period_number,
        -customer_number as customer_number,
        product_id
    from customer_products
    where was_in_history

),

held as (

    select
        histories.customer_number,
        products.product_number

    from histories

    inner join products
        on
            histories.period_number = products.period_number
            and histories.product_id = products.product_id

),

customer_counts as (

    select
        period_number,
        count(distinct customer_number) as customer_count

    from histories

    group by period_number

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

    -- Two customers with the same two products are a coincidence.
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

-- Whole millionths: their sums do not depend on the order of rows.
measured as (

    select
        products.period_number,
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
        on products.period_number = customer_counts.period_number

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
        period_number,
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
