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
        behaviour.customer_id,
        behaviour.as_of_date,
        {% for itemset in itemset_names() %}
        coalesce(shares.{{ itemset }}, 0) as {{ itemset }}{{ ',' if not loop.last }}
        {% endfor %}

    from behaviour

    left join shares
        on
            behaviour.customer_id = shares.customer_id
            and behaviour.as_of_date = shares.as_of_date

),

{{ nearest_segments('baskets', itemset_names()) }}

select * from assigned
