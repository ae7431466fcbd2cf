{%- set settings = recommendation_settings() -%}

with

tested as (

    select * from {{ ref('ml_recommendations__tested') }}

),

methods as (

    select * from {{ ref('ml_recommendations__methods') }}

),

new_products as (

    select
        customer_number,
        count(*) as new_product_count
    from {{ ref('feat_customer_new_products') }}
    group by customer_number

),

catalogue as (

    select count(*) as catalogue_count from {{ ref('feat_products') }}
    where period_number = 1 and is_recommendable

),

customers as (

    select * from {{ ref('ml_recommendations__customers') }}
    where period_number = 1

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

kinds as (

    select
        methods.method,
        fillings.is_filled,
        fillings.is_filled and methods.is_chosen as is_chosen,
        lengths.k
    from methods
    cross join (values ({{ settings.counts | join('), (') }})) as lengths (k)
    cross join (values (true), (false)) as fillings (is_filled)

),

popularity_hits as (

    select * from tested
    where method = 'popularity' and not is_filled and is_first_hit

),

counted as (

    select
        kinds.method,
        kinds.is_filled,
        kinds.k,
        customer_scopes.scope,
        count(*) as recommended_count,
        count(distinct tested.product_number) as product_count,
        count(case when tested.is_hit then 1 end) as hit_count,
        count(case when tested.is_first_hit then 1 end) as hit_customer_count,
        count(case when tested.is_first_hit and popularity_hits.place <= kinds.k then 1 end) as both_hit_count,
        -- Decimals: their sum does not depend on the order of rows.
        sum(case when tested.is_first_hit then cast(1 / cast(tested.place as double) as decimal(18, 12)) end) as reciprocal_rank

    from tested

    inner join kinds
        on
            tested.method = kinds.method
            and tested.is_filled = kinds.is_filled
            and tested.place <= kinds.k

    inner join customer_scopes
        on tested.customer_number = customer_scopes.customer_number

    left join popularity_hits
        on tested.customer_number = popularity_hits.customer_number

    group by kinds.method, kinds.is_filled, kinds.k, customer_scopes.scope

),

-- A customer without a recommendation is a miss: every list is evaluated on all tested customers.
totals as (

    select
        kinds.method,
        kinds.is_filled,
        kinds.k,
        kinds.is_chosen,
        scopes.scope,
        cast(scopes.customer_count as double) as customer_count,
        scopes.new_product_count,
        counted.recommended_count,
        coalesce(counted.product_count, 0) as product_count,
        coalesce(counted.hit_count, 0) as hit_count,
        coalesce(counted.hit_customer_count, 0) as hit_customer_count,
        coalesce(counted.both_hit_count, 0) as both_hit_count,
        coalesce(
            max(case when kinds.method = 'popularity' and not kinds.is_filled then counted.hit_customer_count end)
                over (partition by kinds.k, scopes.scope),
            0
        ) as popularity_hit_count,
        coalesce(counted.reciprocal_rank, 0) as reciprocal_rank

    from kinds

    cross join scopes

    left join counted
        on
            kinds.method = counted.method
            and kinds.is_filled = counted.is_filled
            and kinds.k = counted.k
            and scopes.scope = counted.scope

),

rates as (

    select
        totals.*,
        catalogue.catalogue_count,
        totals.hit_customer_count / totals.customer_count as hit_rate,
        (totals.hit_customer_count - totals.popularity_hit_count) / totals.customer_count as hit_rate_gain,
        -- Customers for whom one of the two lists hits and the other does not.
        (totals.hit_customer_count + totals.popularity_hit_count - 2 * totals.both_hit_count) / totals.customer_count as differing_share

    from totals

    cross join catalogue

),

measured as (

    select
        method,
        is_filled,
        scope,
        cast(k as int) as k,
        cast(customer_count as int) as customer_count,
        hit_rate,
        sqrt(hit_rate * (1 - hit_rate) / customer_count) as hit_rate_se,
        hit_rate_gain,
        sqrt(greatest(differing_share - hit_rate_gain * hit_rate_gain, 0) / customer_count) as hit_rate_gain_se,
        cast(reciprocal_rank as double) / customer_count as mrr,
        cast(hit_count as double) / recommended_count as precision_at_k,
        cast(hit_count as double) / new_product_count as recall_at_k,
        cast(product_count as double) / nullif(catalogue_count, 0) as catalogue_coverage,
        is_chosen

    from rates

)

select * from measured
