{{ config(enabled=has_reviews()) }}

with

judged as (

    select
        case
            when reject_reason is not null then reject_reason
            when is_rating_unreadable then 'unreadable_rating'
            else 'accepted'
        end as reason

    from {{ ref('int_reviews') }}

),

counted as (

    select
        reason,
        count(*) as row_count

    from judged

    group by reason

),

-- Every reason has a row, even if it did not occur.
reasons as (
    {% for reason, said in review_reasons().items() %}

    select
        {{ dbt.string_literal(reason) }} as reason,
        {{ dbt.string_literal(said[0]) }} as severity,
        {{ dbt.string_literal(said[1]) }} as meaning
    {{ 'union all' if not loop.last }}
    {%- endfor %}

)

select
    reasons.reason,
    reasons.severity,
    reasons.meaning,
    reasons.reason in ('accepted', 'unreadable_rating') as is_used,
    cast(coalesce(counted.row_count, 0) as bigint) as row_count

from reasons

left join counted
    on reasons.reason = counted.reason
