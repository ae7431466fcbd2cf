{#- Spark's tables of Parquet files cannot lose rows, so every build there is a whole one, and nothing is compared. -#}
{{ config(materialized='table', enabled=target.type != 'spark') }}

{%- set content = canonical_columns('order_lines') | map(attribute='name') | list + ['reject_reason', 'exclude_reason'] %}

with

order_lines as (

    select * from {{ lines_of_persons() }}

),

-- A sum does not depend on the order of lines, and counts lines that are equal.
fingerprints as (

    select
        coalesce(order_id, '') as order_id,
        coalesce(customer_id, '') as customer_id,
        count(*) as line_count,
        sum(cast({{ row_hash(content) }} as hugeint)) as content_hash,
        max(cast(ordered_at as date)) as last_date

    from order_lines

    group by coalesce(order_id, ''), coalesce(customer_id, '')

)

select * from fingerprints
