with

customers as (

    select * from {{ ref('feat_customers') }}

),

-- By hash of the key: the same customers whenever and wherever it runs.
sampled as (

    select
        {% for feature in var('segmentation_features') %}
        cast(greatest({{ feature }}, 0) as double) as {{ feature }},
        {% endfor %}
        customer_id

    from customers

    order by md5(customer_id), customer_id

    limit {{ var('kmeans_sample_size') }}

)

select * from sampled
