{#- A view: one model reads it. -#}
{{ config(materialized='view') }}

{%- set features = var('segmentation_features') -%}
{%- set clusters = range(var('n_clusters')) %}

with

customers as (

    select * from {{ ref('feat_customers') }}

),

parameters as (

    select * from {{ ref('ml_kmeans__parameters') }}

),

-- One row that holds the whole model: c0_recency_days is the first centroid's recency.
centroids as (

    select
        {% for feature in features %}
        max(case when feature = '{{ feature }}' then location end) as {{ feature }}_location,
        max(case when feature = '{{ feature }}' then scale end) as {{ feature }}_scale,
        {% for cluster in clusters %}
        max(case when feature = '{{ feature }}' and cluster_id = {{ cluster }} then centroid end)
            as c{{ cluster }}_{{ feature }},
        {% endfor %}
        {% endfor %}
        count(*) as parameter_count

    from parameters

),

standardised as (

    select
        {% for feature in features %}
        (ln(1 + cast(greatest(customers.{{ feature }}, 0) as double)) - centroids.{{ feature }}_location)
        / centroids.{{ feature }}_scale as {{ feature }},
        {% endfor %}
        customers.customer_id,
        customers.as_of_date

    from customers

    cross join centroids

),

distances as (

    select
        {% for cluster in clusters %}
        sqrt(
            0
            {% for feature in features %}
            + power(standardised.{{ feature }} - centroids.c{{ cluster }}_{{ feature }}, 2)
            {% endfor %}
        ) as distance_{{ cluster }},
        {% endfor %}
        standardised.customer_id,
        standardised.as_of_date

    from standardised

    cross join centroids

),

nearest as (

    select
        *,
        least({% for cluster in clusters %}distance_{{ cluster }}{{ ', ' if not loop.last }}{% endfor %}) as distance
    from distances

),

-- Of equally near centroids the first stands.
assigned as (

    select
        customer_id,
        as_of_date,
        case
            {% for cluster in clusters %}
            when distance = distance_{{ cluster }} then {{ cluster }}
            {% endfor %}
        end as cluster_id,
        distance

    from nearest

)

select * from assigned
