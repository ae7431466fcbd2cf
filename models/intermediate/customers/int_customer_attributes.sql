{#- A table: four marts read it. -#}
{{ config(enabled=has_customer_attributes(), materialized='table') }}
{%- set attributes = customer_attributes() %}

with

customers as (

    select * from {{ of_persons('customers') }} as customers

),

buyers as (

    select distinct customer_id from {{ ref('int_orders') }}
    where is_purchase and customer_id is not null

),

-- Words that programs write for nothing are none.
given as (

    select
        {%- for attribute in attributes %}
        case
            when trim({{ attribute['name'] }}) not in ('', 'NULL', 'null', 'nan', 'NaN', 'None')
                then trim({{ attribute['name'] }})
        end as {{ attribute['name'] }},
        {%- endfor %}
        customer_id

    from customers

),

converted as (

    select
        {%- for attribute in attributes %}
        {{ attribute['name'] }} as given_{{ attribute['name'] }},
        {{ attribute_value(attribute['name'], attribute['kind']) }} as value_{{ attribute['name'] }},
        {%- endfor %}
        customer_id

    from given

    where customer_id is not null

),

-- A customer may be listed several times. What the rows agree on counts.
settled as (

    select
        {%- for attribute in attributes %}
        count(given_{{ attribute['name'] }}) as given_{{ attribute['name'] }},
        min(value_{{ attribute['name'] }}) as low_{{ attribute['name'] }},
        max(value_{{ attribute['name'] }}) as high_{{ attribute['name'] }},
        {%- endfor %}
        customer_id,
        count(*) as row_count

    from converted

    group by customer_id

),

listed as (

    select count(*) as source_row_count from customers

),

described as (
    {% for attribute in attributes %}
    {%- set name = attribute['name'] %}
    {%- set agreed = 'case when low_' ~ name ~ ' = high_' ~ name ~ ' then low_' ~ name ~ ' end' %}
    select
        customer_id,
        row_count,
        '{{ name }}' as attribute,
        '{{ attribute['kind'] }}' as kind,
        {{ 'true' if attribute['is_sensitive'] else 'false' }} as is_sensitive,
        case
            when given_{{ name }} = 0 then 'missing'
            when low_{{ name }} is null then 'unreadable'
            when low_{{ name }} <> high_{{ name }} then 'conflicting'
            else 'known'
        end as status,
        {{ agreed if attribute['kind'] == 'number' else 'cast(null as double)' }} as number_value,
        {{ agreed if attribute['kind'] == 'date' else 'cast(null as date)' }} as date_value,
        {{ agreed if attribute['kind'] in ('category', 'yes_no') else 'cast(null as string)' }} as text_value
    from settled
    {{ 'union all' if not loop.last }}
    {%- endfor %}

)

select
    described.*,
    listed.source_row_count,
    buyers.customer_id is null as is_prospect

from described

cross join listed

left join buyers
    on described.customer_id = buyers.customer_id
