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
    where customer_id is not null

),

products as (

    select * from {{ ref('feat_items') }}
    where item_level = 'product'

),

behaviour as (

    select * from {{ ref('feat_customers__behaviour') }}

),

-- The version in force, and the one that is being made. Numbers, because names are slow to group and compare.
wanted as (

    select
        itemsets.version,
        case itemsets.itemset
            {%- for itemset in itemset_names() %}
            when '{{ itemset }}' then {{ loop.index }}
            {%- endfor %}
        end as itemset_number,
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
        wanted.itemset_number

    from baskets

    inner join wanted
        on baskets.product_number = wanted.product_number

    group by baskets.order_number, wanted.version, wanted.itemset_number

    having count(*) = max(wanted.item_count)

),

customers as (

    select
        behaviour.customer_id,
        behaviour.as_of_date,
        {% for itemset in itemset_names() %}
        cast(count(case when held.itemset_number = {{ loop.index }} then 1 end) as double)
        / max(behaviour.frequency) as {{ itemset }},
        {% endfor %}
        held.version

    from held

    inner join orders
        on held.order_number = orders.order_number

    inner join behaviour
        on
            orders.customer_id = behaviour.customer_id
            and orders.order_date <= behaviour.as_of_date

    group by behaviour.customer_id, behaviour.as_of_date, held.version

)

select * from customers
