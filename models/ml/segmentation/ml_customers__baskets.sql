with

behaviour as (

    select * from {{ ref('feat_customers__behaviour') }}

),

parameters as (

    select * from {{ ref('ml_segmentation__in_force') }}
    where segmentation = 'baskets'

),

shares as (

    select * from {{ ref('ml_customers__itemsets') }}
    where version in (select parameters.version from parameters)

),

customers as (

    select
        {% for itemset in itemset_names() %}
        coalesce(shares.{{ itemset }}, 0) as {{ itemset }},
        {% endfor %}
        behaviour.customer_id,
        behaviour.as_of_date

    from behaviour

    left join shares
        on
            behaviour.customer_id = shares.customer_id
            and behaviour.as_of_date = shares.as_of_date

),

{{ nearest_segments('baskets', itemset_names(), with_quantiles=false) }}

select * from assigned
