-- Accepted plus rejected equals raw, in lines and in amount.

with

raw_lines as (

    select
        count(*) as row_count,
        coalesce(sum({{ line_amount('order_lines') }}), 0) as amount
    from {{ ref('stg_order_lines') }} as order_lines

),

accounted as (

    select
        sum(row_count) as row_count,
        sum(amount) as amount
    from {{ ref('rpt_data_quality') }}

)

select
    raw_lines.row_count as raw_row_count,
    accounted.row_count as accounted_row_count,
    raw_lines.amount as raw_amount,
    accounted.amount as accounted_amount

from raw_lines

cross join accounted

where
    raw_lines.row_count <> accounted.row_count
    or raw_lines.amount <> accounted.amount
