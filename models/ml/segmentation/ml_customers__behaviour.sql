{%- set measures = segmentation_measures() -%}

with
{{ attribute_ctes() }}
customers as (

    select
        {% for measure in measures if measure not in attribute_features() %}
        cast(greatest(behaviour.{{ measure }}, 0) as double) as {{ measure }},
        {% endfor %}
        {{ attribute_values() }}
        behaviour.customer_id,
        behaviour.as_of_date

    from {{ ref('feat_customers__behaviour') }} as behaviour
    {{ attribute_joins('behaviour') }}
),

parameters as (

    select * from {{ ref('ml_segmentation__in_force') }}
    where segmentation = 'behaviour'

),

{{ nearest_segments('behaviour', measures) }}

select * from assigned
