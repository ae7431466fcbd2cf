-- What the reconciliation says that the marts hold is what they hold, in every month.

with

reconciled as (

    select
        month_date,
        measure,
        sum(amount) as amount
    from {{ ref('rpt_reconciliation') }}
    where step = 'marts' and period <> 'all' and measure in ('orders', 'lines', 'gross', 'discounts', 'refunds', 'net')
    group by month_date, measure

),

lines as (

    select
        cast(date_trunc('month', order_date) as date) as month_date,
        count(*) as line_count,
        sum(line_gross_amount) as gross_amount,
        sum(line_discount_amount) as discount_amount,
        sum(line_returned_amount) as returned_amount,
        sum(line_net_amount) as net_amount
    from {{ ref('fct_order_lines') }}
    group by cast(date_trunc('month', order_date) as date)

),

held as (
    {% for measure, amount in [
        ('lines', 'line_count'),
        ('gross', 'gross_amount'),
        ('discounts', 'discount_amount'),
        ('refunds', 'returned_amount'),
        ('net', 'net_amount'),
    ] %}
    select
        month_date,
        '{{ measure }}' as measure,
        {{ amount }} as amount
    from lines

    union all
    {% endfor %}
    select
        cast(date_trunc('month', order_date) as date) as month_date,
        'orders' as measure,
        sum(case when is_purchase then 1 else 0 end) as amount
    from {{ ref('fct_orders') }}
    group by cast(date_trunc('month', order_date) as date)

)

select
    reconciled.month_date as reconciled_month,
    held.month_date as held_month,
    coalesce(reconciled.measure, held.measure) as measure,
    reconciled.amount as reconciled_amount,
    held.amount as held_amount

from reconciled

full outer join held
    on reconciled.month_date = held.month_date and reconciled.measure = held.measure

where coalesce(reconciled.amount, 0) <> coalesce(held.amount, 0)
