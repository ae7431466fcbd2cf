with

screened as (

    select * from {{ ref('int_order_lines__screened') }}

),

reasons as (

    select * from {{ ref('data_quality_reasons') }}

),

reversed_lines as (

    select * from {{ ref('int_reversed_lines') }}

),

judged as (

    select
        case
            when screened.reject_reason is not null then screened.reject_reason
            when reversed_lines.order_id is not null then 'reversed_purchase'
            else 'accepted'
        end as reason,
        screened.customer_id is null as is_guest,
        screened.raw_amount

    from screened

    left join reversed_lines
        on
            screened.order_id = reversed_lines.order_id
            and screened.product_id = reversed_lines.product_id
            and screened.line_number = reversed_lines.line_number

),

counted as (

    select
        reason,
        count(*) as row_count,
        sum(case when is_guest then 1 else 0 end) as guest_row_count,
        sum(raw_amount) as amount,
        count(*) - count(raw_amount) as unknown_amount_row_count

    from judged

    group by reason

),

-- Every reason has a row, even if it did not occur.
report as (

    select
        reasons.reason,
        reasons.severity,
        reasons.meaning,
        cast(coalesce(counted.row_count, 0) as bigint) as row_count,
        cast(coalesce(counted.guest_row_count, 0) as bigint) as guest_row_count,
        cast(coalesce(counted.amount, 0) as decimal(18, 4)) as amount,
        cast(coalesce(counted.unknown_amount_row_count, 0) as bigint) as unknown_amount_row_count

    from reasons

    left join counted
        on reasons.reason = counted.reason

)

select * from report
