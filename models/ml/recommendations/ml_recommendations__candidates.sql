{%- set settings = recommendation_settings() -%}

with

customer_products as (

    select * from {{ ref('feat_customer_products') }}

),

products as (

    select * from {{ ref('feat_products') }}

),

pairs as (

    select * from {{ ref('feat_product_pairs') }}

),

popularity as (

    select * from {{ ref('ml_products__popularity') }}

),

mined_rules as (

    select
        *,
        case when period_number = 0 then 'whole' else 'earlier' end as period
    from {{ ref('ml_rules__mined') }}
    where
        item_level = 'product'
        and consequent_length = 1
        and not is_redundant
        and lift > 1

),

rule_items as (

    select
        *,
        case when period_number = 0 then 'whole' else 'earlier' end as period
    from {{ ref('ml_rules__items') }}

),

segments as (

    select
        customer_id,
        segment_key,
        case when period_number = 0 then 'whole' else 'earlier' end as period

    from {{ ref('ml_customers__segments') }}

    where segmentation = '{{ settings.segmentation }}' and period_number <= 1

),

-- Today everybody gets a list; the earlier day's are for those who can be judged.
tested as (

    select distinct customer_id from {{ ref('feat_customer_new_products') }}

),

customers as (

    select
        customer_products.period,
        customer_products.customer_id,
        segments.segment_key,
        -- One number for day and customer: counting by it is half the work of counting by two texts.
        cast(
            row_number() over (order by customer_products.period asc, customer_products.customer_id asc) as int
        ) as customer_number

    from customer_products

    left join segments
        on
            customer_products.period = segments.period
            and customer_products.customer_id = segments.customer_id

    where
        customer_products.recency_rank = 1
        and (
            customer_products.period = 'whole'
            or customer_products.customer_id in (select tested.customer_id from tested)
        )

),

customer_scopes as (

    select
        period,
        customer_number,
        'all' as scope
    from customers

    union all

    select
        period,
        customer_number,
        segment_key as scope
    from customers
    where segment_key is not null

),

history as (

    select
        customers.customer_number,
        customers.segment_key,
        products.product_number

    from customer_products

    inner join customers
        on
            customer_products.period = customers.period
            and customer_products.customer_id = customers.customer_id

    inner join products
        on
            customer_products.period = products.period
            and customer_products.product_id = products.product_id

    where customer_products.recency_rank <= {{ var('recommendations_history_size') }}

),

-- By confidence: of the rules that a customer meets, the one that most such baskets kept.
ranked_rules as (

    select
        mined_rules.period,
        mined_rules.scope,
        mined_rules.rule_key,
        mined_rules.antecedent_items,
        mined_rules.antecedent_length,
        mined_rules.confidence,
        mined_rules.lift,
        products.product_number,
        row_number() over (
            order by
                mined_rules.confidence desc,
                mined_rules.lift desc,
                mined_rules.rule_key asc,
                mined_rules.period asc
        ) as rule_number,
        row_number() over (
            partition by mined_rules.period, mined_rules.scope, mined_rules.antecedent_items
            order by mined_rules.confidence desc, mined_rules.lift desc, mined_rules.rule_key asc
        ) as antecedent_rank

    from mined_rules

    inner join rule_items
        on
            mined_rules.period = rule_items.period
            and mined_rules.rule_key = rule_items.rule_key
            and rule_items.side = 'consequent'

    inner join products
        on
            rule_items.period = products.period
            and rule_items.item = products.product_label
            and products.is_recommendable

),

-- More of one antecedent than a list is long could hardly be shown.
usable_rules as (

    select * from ranked_rules
    where antecedent_rank <= {{ settings.longest }}

),

antecedents as (

    select
        usable_rules.scope,
        usable_rules.rule_number,
        usable_rules.antecedent_length,
        products.product_number

    from usable_rules

    inner join rule_items
        on
            usable_rules.period = rule_items.period
            and usable_rules.rule_key = rule_items.rule_key
            and rule_items.side = 'antecedent'

    inner join products
        on
            rule_items.period = products.period
            and rule_items.item = products.product_label

),

met_rules as (

    select
        history.customer_number,
        antecedents.rule_number

    from history

    inner join antecedents
        on
            history.product_number = antecedents.product_number
            and antecedents.scope in ('all', history.segment_key)

    group by history.customer_number, antecedents.rule_number, antecedents.antecedent_length

    having count(*) = antecedents.antecedent_length

),

by_best_rule as (

    select
        met_rules.customer_number,
        usable_rules.product_number,
        min(met_rules.rule_number) as rule_number

    from met_rules

    inner join usable_rules
        on met_rules.rule_number = usable_rules.rule_number

    group by met_rules.customer_number, usable_rules.product_number

),

-- The strongest link and whose it is, in one number: similarity first, then the product.
by_links as (

    select
        history.customer_number,
        pairs.other_product_number as product_number,
        sum(pairs.similarity_millionths) as similarity_millionths,
        count(*) as link_count,
        max(pairs.similarity_millionths * 1000000000 + pairs.product_number) as strongest_link

    from history

    inner join pairs
        on history.product_number = pairs.product_number

    group by history.customer_number, pairs.other_product_number

),

popular as (

    select
        customer_scopes.customer_number,
        products.product_number,
        popularity.scope,
        popularity.customer_count

    from customer_scopes

    inner join popularity
        on
            customer_scopes.period = popularity.period
            and customer_scopes.scope = popularity.scope

    inner join products
        on
            popularity.period = products.period
            and popularity.product_id = products.product_id

),

offers as (

    select
        customer_number,
        product_number,
        'rules' as method,
        -- The lower the number, the more confident the rule.
        -rule_number as score,
        rule_number,
        cast(null as bigint) as strongest_link,
        cast(null as bigint) as link_count
    from by_best_rule

    union all

    select
        customer_number,
        product_number,
        'co_occurrence' as method,
        similarity_millionths as score,
        cast(null as bigint) as rule_number,
        strongest_link,
        link_count
    from by_links

    union all

    select
        customer_number,
        product_number,
        case when scope = 'all' then 'popularity' else 'segment_popularity' end as method,
        customer_count as score,
        cast(null as bigint) as rule_number,
        cast(null as bigint) as strongest_link,
        cast(null as bigint) as link_count
    from popular

),

owned as (

    select
        customers.customer_number,
        products.product_number,
        products.is_bought_again and customers.period = 'whole' as is_offered_again

    from customer_products

    inner join customers
        on
            customer_products.period = customers.period
            and customer_products.customer_id = customers.customer_id

    inner join products
        on
            customer_products.period = products.period
            and customer_products.product_id = products.product_id

),

-- The backtest is of what is new to customers: nobody earns by naming what they buy anyway.
allowed as (

    select offers.*

    from offers

    left join owned
        on
            offers.customer_number = owned.customer_number
            and offers.product_number = owned.product_number

    where coalesce(owned.is_offered_again, true)

),

ranked as (

    select
        *,
        row_number() over (
            partition by customer_number, method
            order by score desc, product_number asc
        ) as method_rank

    from allowed

),

shortlisted as (

    select * from ranked
    where method_rank <= {{ settings.longest }}

),

candidates as (

    select
        customers.period,
        customers.customer_id,
        products.product_id,
        shortlisted.method,
        cast(shortlisted.method_rank as int) as method_rank,
        case
            when shortlisted.method = 'rules' then usable_rules.confidence
            when shortlisted.method = 'co_occurrence' then cast(shortlisted.score as double) / 1000000
            else popularity.customer_share
        end as score,
        case
            when shortlisted.method = 'rules' then usable_rules.lift
            when shortlisted.method = 'co_occurrence' then pairs.lift
            else popularity.lift
        end as expected_lift,
        usable_rules.rule_key,
        pairs.product_number as because_product_number,
        cast(shortlisted.link_count as int) as link_count

    from shortlisted

    inner join customers
        on shortlisted.customer_number = customers.customer_number

    inner join products
        on shortlisted.product_number = products.product_number

    left join usable_rules
        on shortlisted.rule_number = usable_rules.rule_number

    left join pairs
        on
            shortlisted.strongest_link % 1000000000 = pairs.product_number
            and shortlisted.product_number = pairs.other_product_number

    left join popularity
        on
            customers.period = popularity.period
            and products.product_id = popularity.product_id
            and case
                when shortlisted.method = 'popularity' then 'all'
                when shortlisted.method = 'segment_popularity' then customers.segment_key
            end = popularity.scope

    where
        customers.period = 'earlier'
        or shortlisted.method_rank <= {{ settings.count }}

)

select * from candidates
