{{ config(materialized='table') }}

with

totals as (

    select * from {{ ref('int_reconciled_totals') }}

),

lines as (

    select * from {{ ref('int_reconciled_lines') }}
    where step = 'platform'

),

variants as (
    {% for has_tax, has_refunds in [(1, 0), (1, 1), (0, 0), (0, 1)] %}
    select
        {{ has_tax }} as has_tax,
        {{ has_refunds }} as has_refunds
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

-- An order's total may be before or after refunds, and its prices with or without tax.
compared as (

    select
        totals.month_date,
        totals.currency,
        totals.total,
        totals.shipping,
        totals.tax,
        totals.tips,
        variants.has_tax,
        variants.has_refunds,
        coalesce(totals.tax, 0) * variants.has_tax as tax_in_total,
        coalesce(lines.refunds, 0) * variants.has_refunds as refunds_not_in_total,
        totals.total - coalesce(totals.shipping, 0) - coalesce(totals.tax, 0) * variants.has_tax
        - coalesce(totals.tips, 0) - coalesce(lines.net, 0) - coalesce(lines.refunds, 0) * variants.has_refunds
            as unexplained

    from totals

    cross join variants

    left join lines
        on
            totals.currency = lines.currency
            and totals.month_date = lines.month_date

),

-- Whichever of the four explains most holds for the whole source.
ranked as (

    select
        has_tax,
        has_refunds,
        row_number() over (
            order by coalesce(sum(abs(unexplained)), 0) asc, has_tax desc, has_refunds asc
        ) as place

    from compared

    group by has_tax, has_refunds

),

bridge as (

    select compared.*

    from compared

    inner join ranked
        on
            compared.has_tax = ranked.has_tax
            and compared.has_refunds = ranked.has_refunds
            and ranked.place = 1

)

select
    month_date,
    currency,
    total,
    shipping,
    tax,
    tips,
    tax_in_total,
    refunds_not_in_total,
    unexplained

from bridge
