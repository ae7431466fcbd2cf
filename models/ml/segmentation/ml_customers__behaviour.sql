{%- set measures = segmentation_measures() -%}

with

customers as (

    select
        {% for measure in measures %}
        cast(greatest({{ measure }}, 0) as double) as {{ measure }},
        {% endfor %}
        customer_id,
        as_of_date

    from {{ ref('feat_customers__behaviour') }}

),

parameters as (

    select * from {{ ref('ml_segmentation__in_force') }}
    where segmentation = 'behaviour'

),

{{ nearest_segments('behaviour', measures) }}

select * from assigned
