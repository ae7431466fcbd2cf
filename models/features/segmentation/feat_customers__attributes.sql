{{ config(enabled=has_attribute_features()) }}

with

attributes as (

    select * from {{ ref('int_customer_attributes') }}
    where status = 'known'

),

features as (

    select
        {%- for feature, said in attribute_features().items() %}
        cast(max({{ said['sql'] }}) as double) as {{ feature }},
        {%- endfor %}
        customer_id

    from attributes

    group by customer_id

)

select * from features
