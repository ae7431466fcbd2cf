with

itemsets as (

    select * from {{ ref('ml_baskets__itemsets') }}

),

due as (

    select max(version) as version from {{ ref('ml_segmentation__due') }}

),

reference as (

    select max(version) as version
    from {{ ref('ml_segmentation__reference') }}
    where segmentation = 'baskets'

),

baskets as (

    select * from {{ ref('feat_baskets') }}

),

orders as (

    select * from {{ ref('feat_baskets__orders') }}

),

products as (

    select * from {{ ref('feat_items') }}
    where item_level = 'product'

),

purchases as (

    select * from {{ ref('feat_purchases') }}

),

behaviour as (

    select * from {{ ref('feat_customers__behaviour') }}

),

-- The version in force, and the one that is being made.
wanted as (

    select
        itemsets.version,
        itemsets.itemset,
        itemsets.item_count,
        products.product_number

    from itemsets

    inner join products
        on itemsets.item = products.item

    cross join due

    cross join reference

    where itemsets.version in (due.version, reference.version)

),

held as (

    select
        baskets.order_number,
        wanted.version,
        wanted.itemset

    from baskets

    inner join wanted
        on baskets.product_number = wanted.product_number

    group by baskets.order_number, wanted.version, wanted.itemset, wanted.item_count

    having count(*) = wanted.item_count

),

shares as (

    select
        behaviour.customer_id,
        behaviour.as_of_date,
        held.version,
        held.itemset,
        cast(count(*) as double) / max(behaviour.frequency) as basket_share

    from held

    inner join orders
        on held.order_number = orders.order_number

    inner join purchases
        on orders.order_id = purchases.order_id

    inner join behaviour
        on
            purchases.customer_id = behaviour.customer_id
            and purchases.order_date <= behaviour.as_of_date

    group by behaviour.customer_id, behaviour.as_of_date, held.version, held.itemset

),

customers as (

    select
        customer_id,
        as_of_date,
        {% for itemset in itemset_names() %}
        max(case when itemset = '{{ itemset }}' then basket_share else 0 end) as {{ itemset }},
        {% endfor %}
        version

    from shares

    group by customer_id, as_of_date, version

)

select * from customers
