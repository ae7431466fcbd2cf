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
    {%- if table == 'campaigns' and var('campaign_exports', none) %}

    union all

    select count(*) as row_count from {{ read_files('campaign_exports', var('campaign_exports')) }} as exported
    {%- endif %}

),

summed as (

    select sum(row_count) as row_count from raw_rows

)

select
    staged.row_count as staged_row_count,
    summed.row_count as raw_row_count

from staged

cross join summed

where staged.row_count <> summed.row_count

{% endtest %}
