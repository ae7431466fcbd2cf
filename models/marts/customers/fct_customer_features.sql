with

behaviour as (

    select * from {{ ref('feat_customers__behaviour') }}
    where is_current

),

purchase_days as (

    select * from {{ ref('feat_customers__purchase_days') }}

),

ranked_categories as (

    select
        *,
        row_number() over (partition by customer_id order by net_amount desc, category asc) as preference

    from {{ ref('feat_customer_categories') }}

),

categories as (

    select
        customer_id,
        cast(sum(product_count) as int) as product_count,
        cast(count(*) as int) as category_count,
        max(case when preference = 1 then category end) as top_category,
        max(case when preference = 1 then category_share end) as top_category_share,
        -- Rounded: the last digits of a sum of doubles depend on the order of rows.
        round(abs(sum(category_share * ln(category_share))), 9) as category_entropy

    from ranked_categories

    group by customer_id

),

features as (

    select

        -- keys
        behaviour.customer_id,
        behaviour.as_of_date,

        -- recency, frequency, monetary, baskets and habits
        behaviour.first_order_date,
        behaviour.last_order_date,
        {%- for measure in behaviour_measures() %}
        behaviour.{{ measure }},
        {%- endfor %}

        -- rhythm
        purchase_days.purchase_day_count,
        purchase_days.gap_mean_days,
        purchase_days.gap_cv,

        -- variety
        coalesce(categories.product_count, 0) as product_count,
        coalesce(categories.category_count, 0) as category_count,
        categories.top_category,
        categories.top_category_share,
        coalesce(categories.category_entropy, 0) as category_entropy

    from behaviour

    inner join purchase_days
        on behaviour.customer_id = purchase_days.customer_id

    left join categories
        on behaviour.customer_id = categories.customer_id

)

select * from features
