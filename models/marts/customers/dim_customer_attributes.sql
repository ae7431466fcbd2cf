{{ config(enabled=has_customer_attributes()) }}

with

attributes as (

    select * from {{ ref('int_customer_attributes') }}
    where not is_sensitive

)

select
    customer_id,
    attribute,
    kind,
    status,
    number_value,
    date_value,
    text_value,
    is_prospect

from attributes
