{%- set settings = recommendation_settings() -%}

with

candidates as (

    select * from {{ ref('ml_recommendations__candidates') }}

),

tested as (

    select * from {{ ref('ml_recommendations__tested') }}

),

new_products as (

    select
        customer_number,
        count(*) as new_product_count

    from {{ ref('feat_customer_new_products') }}

    group by customer_number

),

products as (

    select * from {{ ref('feat_products') }}
    where period_number = 1 and is_recommendable

),

customers as (

    select * from {{ ref('ml_recommendations__customers') }}
    where period_number = 1

),

lists as (

    select
        method,
        false as is_filled,
        customer_number,
        place,
        product_number,
        is_hit
    from candidates

    union all

    select
        method,
        true as is_filled,
        customer_number,
        place,
        product_number,
        is_hit
    from tested

),

chosen as (

    select coalesce(max(case when is_chosen then method end), '{{ settings.pinned or settings.methods[0] }}') as method
    from tested

),

customer_scopes as (

    select
        customer_number,
        'all' as scope,
        new_product_count
    from new_products

    union all

    select
        new_products.customer_number,
        customers.segment_key as scope,
        new_products.new_product_count
    from new_products
    inner join customers
        on new_products.customer_number = customers.customer_number
    where customers.segment_key is not null

),

scopes as (

    select
        scope,
        count(*) as customer_count,
        sum(new_product_count) as new_product_count

    from customer_scopes

    group by scope

),

lengths as (
    {% for k in settings.counts %}

    select
        {{ k }} as k,
        true as is_filled

    union all

    select
        {{ k }} as k,
        false as is_filled
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

kinds as (
    {% for method in settings.methods %}

    select
        '{{ method }}' as method,
        is_filled,
        k
    from lengths
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

ranked as (

    select
        *,
        is_hit
        and row_number() over (
            partition by method, is_filled, customer_number, is_hit
            order by place
        ) = 1 as is_first_hit

    from lists

),

popularity_hits as (

    select
        customer_number,
        place
    from ranked
    where method = 'popularity' and not is_filled and is_first_hit

),

counted as (

    select
        kinds.method,
        kinds.is_filled,
        kinds.k,
        customer_scopes.scope,
        count(*) as recommended_count,
        count(distinct ranked.product_number) as product_count,
        count(case when ranked.is_hit then 1 end) as hit_count,
        count(case when ranked.is_first_hit then 1 end) as hit_customer_count,
        count(case when ranked.is_first_hit and popularity_hits.place <= kinds.k then 1 end) as both_hit_count,
        -- Decimals: their sum does not depend on the order of rows.
        sum(case when ranked.is_first_hit then cast(1 / cast(ranked.place as double) as decimal(18, 12)) end) as reciprocal_rank

    from ranked

    inner join kinds
        on
            ranked.method = kinds.method
            and ranked.is_filled = kinds.is_filled
            and ranked.place <= kinds.k

    inner join customer_scopes
        on ranked.customer_number = customer_scopes.customer_number

    left join popularity_hits
        on ranked.customer_number = popularity_hits.customer_number

    group by kinds.method, kinds.is_filled, kinds.k, customer_scopes.scope

),

-- A customer for whom a method names nothing is a miss: every list is judged on all customers tested.
rates as (

    select
        kinds.method,
        kinds.is_filled,
        kinds.k,
        scopes.scope,
        scopes.customer_count,
        cast(coalesce(counted.hit_customer_count, 0) as double) / scopes.customer_count as hit_rate,
        cast(coalesce(counted.hit_customer_count, 0) - coalesce(popularity.hit_customer_count, 0) as double)
        / scopes.customer_count as hit_rate_gain,
        -- Customers for whom one of the two lists hits and the other does not.
        cast(
            coalesce(counted.hit_customer_count, 0)
            + coalesce(popularity.hit_customer_count, 0)
            - 2 * coalesce(counted.both_hit_count, 0) as double
        ) / scopes.customer_count as differing_share,
        cast(coalesce(counted.reciprocal_rank, 0) as double) / scopes.customer_count as mrr,
        cast(counted.hit_count as double) / counted.recommended_count as precision_at_k,
        cast(coalesce(counted.hit_count, 0) as double) / scopes.new_product_count as recall_at_k,
        cast(coalesce(counted.product_count, 0) as double)
        / nullif((select count(*) from products), 0) as catalogue_coverage

    from kinds

    cross join scopes

    left join counted
        on
            kinds.method = counted.method
            and kinds.is_filled = counted.is_filled
            and kinds.k = counted.k
            and scopes.scope = counted.scope

    left join counted as popularity
        on
            popularity.method = 'popularity'
            and not popularity.is_filled
            and kinds.k = popularity.k
            and scopes.scope = popularity.scope

),

measured as (

    select
        rates.method,
        rates.is_filled,
        rates.scope,
        cast(rates.k as int) as k,
        cast(rates.customer_count as int) as customer_count,
        rates.hit_rate,
        sqrt(rates.hit_rate * (1 - rates.hit_rate) / rates.customer_count) as hit_rate_se,
        rates.hit_rate_gain,
        sqrt(
            greatest(rates.differing_share - rates.hit_rate_gain * rates.hit_rate_gain, 0) / rates.customer_count
        ) as hit_rate_gain_se,
        rates.mrr,
        rates.precision_at_k,
        rates.recall_at_k,
        rates.catalogue_coverage,
        rates.is_filled and rates.method = chosen.method as is_chosen

    from rates

    cross join chosen

)

select * from measured
