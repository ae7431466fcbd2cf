{#- Fails if a staging model has more or fewer rows than the raw table, or has rows although the source has no such table. -#}

{% test as_many_rows_as_raw(model, table) %}

with

staged as (

    select count(*) as row_count from {{ model }}

),

raw_rows as (

    {% if var('source')['tables'].get(table) -%}
    select count(*) as row_count from {{ raw(table) }}
    {%- else -%}
    select 0 as row_count
    {%- endif %}

)

select
    staged.row_count as staged_row_count,
    raw_rows.row_count as raw_row_count

from staged

cross join raw_rows

where staged.row_count <> raw_rows.row_count

{% endtest %}
