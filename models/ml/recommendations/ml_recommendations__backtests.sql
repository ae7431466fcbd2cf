{%- set settings = recommendation_settings() -%}

with

lists as (

    select * from {{ ref('ml_recommendations__tested') }}

),

new_products as (

    select * from {{ ref('feat_customer_new_products') }}

),

products as (

    select * from {{ ref('feat_products') }}
    where period = 'earlier' and is_recommendable

),

preferences as (

    select * from {{ ref('ml_recommendations__preferences') }}

),

segments as (

    select * from {{ ref('ml_customers__segments') }}
    where segmentation = '{{ settings.segmentation }}' and period_number = 1

),

customers as (

    select
        customer_id,
        count(*) as new_product_count

    from new_products

    group by customer_id

),

customer_scopes as (

    select
        customer_id,
        new_product_count,
        'all' as scope
    from customers

    union all

    select
        customers.customer_id,
        customers.new_product_count,
        segments.segment_key as scope
    from customers
    inner join segments
        on customers.customer_id = segments.customer_id

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
    {% for count in settings.counts %}

    select {{ count }} as k
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

fillings as (

    select true as is_filled

    union all

    select false as is_filled

),

kinds as (

    select
        preferences.method,
        preferences.preference,
        fillings.is_filled,
        lengths.k

    from preferences

    cross join lengths

    cross join fillings

),

-- A row per customer and list that names anything.
judged as (

    select
        lists.method,
        lists.is_filled,
        lengths.k,
        lists.customer_id,
        count(*) as recommended_count,
        sum(case when lists.is_hit then 1 else 0 end) as hit_count,
        min(case when lists.is_hit then lists.place end) as first_hit_rank

    from lists

    inner join lengths
        on lists.place <= lengths.k

    group by lists.method, lists.is_filled, lengths.k, lists.customer_id

),

compared as (

    select
        judged.*,
        case when judged.hit_count > 0 then 1 else 0 end as is_hit,
        case when popularity.hit_count > 0 then 1 else 0 end as is_hit_by_popularity

    from judged

    left join judged as popularity
        on
            judged.customer_id = popularity.customer_id
            and judged.k = popularity.k
            and popularity.method = 'popularity'
            and not popularity.is_filled

),

summed as (

    select
        compared.method,
        compared.is_filled,
        compared.k,
        customer_scopes.scope,
        sum(compared.recommended_count) as recommended_count,
        sum(compared.hit_count) as hit_count,
        sum(compared.is_hit) as hit_customer_count,
        sum(compared.is_hit * compared.is_hit_by_popularity) as both_hit_count,
        -- Decimals, whose sum is the same in whatever order rows come.
        sum(cast(1 / cast(compared.first_hit_rank as double) as decimal(18, 12))) as reciprocal_rank

    from compared

    inner join customer_scopes
        on compared.customer_id = customer_scopes.customer_id

    group by compared.method, compared.is_filled, compared.k, customer_scopes.scope

),

covered as (

    select
        lists.method,
        lists.is_filled,
        lengths.k,
        customer_scopes.scope,
        count(distinct lists.product_id) as product_count

    from lists

    inner join lengths
        on lists.place <= lengths.k

    inner join customer_scopes
        on lists.customer_id = customer_scopes.customer_id

    group by lists.method, lists.is_filled, lengths.k, customer_scopes.scope

),

catalogue as (

    select count(*) as product_count from products

),

-- A customer for whom a method names nothing is a miss: every list is judged on all customers tested.
totals as (

    select
        kinds.method,
        kinds.preference,
        kinds.is_filled,
        kinds.k,
        scopes.scope,
        scopes.customer_count,
        scopes.new_product_count,
        catalogue.product_count as catalogue_count,
        coalesce(covered.product_count, 0) as product_count,
        coalesce(summed.recommended_count, 0) as recommended_count,
        coalesce(summed.hit_count, 0) as hit_count,
        coalesce(summed.hit_customer_count, 0) as hit_customer_count,
        coalesce(summed.both_hit_count, 0) as both_hit_count,
        coalesce(summed.reciprocal_rank, 0) as reciprocal_rank

    from kinds

    cross join scopes

    cross join catalogue

    left join summed
        on
            kinds.method = summed.method
            and kinds.is_filled = summed.is_filled
            and kinds.k = summed.k
            and scopes.scope = summed.scope

    left join covered
        on
            kinds.method = covered.method
            and kinds.is_filled = covered.is_filled
            and kinds.k = covered.k
            and scopes.scope = covered.scope

),

popularity_hits as (

    select
        k,
        scope,
        hit_customer_count

    from totals

    where method = 'popularity' and not is_filled

),

rates as (

    select
        totals.*,
        cast(totals.hit_customer_count as double) / totals.customer_count as hit_rate,
        cast(totals.hit_customer_count - popularity_hits.hit_customer_count as double)
        / totals.customer_count as hit_rate_gain,
        -- Customers on whom the two lists differ.
        cast(
            totals.hit_customer_count + popularity_hits.hit_customer_count - 2 * totals.both_hit_count as double
        ) / totals.customer_count as differing_share

    from totals

    inner join popularity_hits
        on
            totals.k = popularity_hits.k
            and totals.scope = popularity_hits.scope

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
        cast(hit_count as double) / nullif(recommended_count, 0) as precision_at_k,
        cast(hit_count as double) / new_product_count as recall_at_k,
        cast(product_count as double) / nullif(catalogue_count, 0) as catalogue_coverage,
        preference

    from rates

),

chosen as (

    select
        method,
        row_number() over (
            order by
                {% if settings.pinned -%}
                case when method = '{{ settings.pinned }}' then 0 else 1 end asc,
                {% endif -%}
                hit_rate desc,
                preference asc
        ) as place

    from measured

    where is_filled and scope = 'all' and k = {{ settings.count }}

),

backtests as (

    select
        measured.method,
        measured.is_filled,
        measured.scope,
        measured.k,
        measured.customer_count,
        measured.hit_rate,
        measured.hit_rate_se,
        measured.hit_rate_gain,
        measured.hit_rate_gain_se,
        measured.mrr,
        measured.precision_at_k,
        measured.recall_at_k,
        measured.catalogue_coverage,
        measured.is_filled and chosen.place = 1 as is_chosen

    from measured

    inner join chosen
        on measured.method = chosen.method

)

select * from backtests
