-- Nothing is built on a source of which most is rejected. One row per reason, with the lines that it rejects.

{#- dbt holds back the readers of the lines only if the test reads nothing else, so these reasons stand here too. -#}
{%- set by_design = ['after_as_of_date', 'adjustment', 'non_product', 'excluded'] %}
{%- set most = var('max_rejected_share') %}

with

screened as (

    select
        *,
        reject_reason is not null and reject_reason not in ('{{ by_design | join("', '") }}') as is_lost
    from {{ ref('int_order_lines__screened') }}

),

totals as (

    select
        count(*) as row_count,
        count(case when is_lost then 1 end) as lost_row_count,
        count(case when reject_reason is null then 1 end) as accepted_row_count,
        sum(abs(raw_amount)) as amount,
        sum(case when is_lost then abs(raw_amount) else 0 end) as lost_amount

    from screened

),

rejected as (

    select
        reject_reason,
        is_lost,
        count(*) as row_count,
        min(order_id) as first_order_id

    from screened

    where reject_reason is not null

    group by reject_reason, is_lost

)

select
    rejected.reject_reason,
    concat(
        cast(rejected.row_count as {{ dbt.type_string() }}),
        ' of ',
        cast(totals.row_count as {{ dbt.type_string() }}),
        ' lines are rejected as `',
        rejected.reject_reason,
        '`',
        coalesce(concat(', for example in order ', rejected.first_order_id), ''),
        '. Correct the source, or set `max_rejected_share`.'
    ) as message

from rejected

cross join totals

where
    totals.accepted_row_count = 0
    or (
        rejected.is_lost
        and (
            totals.lost_row_count > {{ most }} * totals.row_count
            or totals.lost_amount > {{ most }} * totals.amount
        )
    )

order by rejected.row_count desc, rejected.reject_reason asc
