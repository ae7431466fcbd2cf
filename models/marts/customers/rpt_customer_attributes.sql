{{ config(enabled=has_customer_attributes()) }}

with

attributes as (

    select * from {{ ref('int_customer_attributes') }}

),

counted as (

    select
        {% for status in ['known', 'missing', 'unreadable', 'conflicting'] %}
        cast(sum(case when status = '{{ status }}' then 1 else 0 end) as int) as {{ status }}_count,
        {% endfor %}
        attribute,
        kind,
        is_sensitive,
        cast(max(source_row_count) as bigint) as source_row_count,
        cast(max(source_row_count) - sum(row_count) as bigint) as without_customer_row_count,
        cast(sum(row_count) - count(*) as bigint) as repeated_row_count,
        cast(count(*) as int) as listed_customer_count,
        cast(sum(case when is_prospect then 1 else 0 end) as int) as prospect_count

    from attributes

    group by attribute, kind, is_sensitive

)

select * from counted
