{{ config(materialized='table') }}

{%- set expected = var('source').get('expected') or {} -%}
{%- set line_measures = ['lines', 'gross', 'discounts', 'refunds', 'net'] %}

with

lines as (

    select * from {{ ref('int_reconciled_lines') }}

),

orders as (

    select * from {{ ref('int_reconciled_orders') }}

),

totals as (

    select * from {{ ref('int_reconciled_bridge') }}

),

-- A customer without a purchase in the period has one reason, the first in the alphabet.
customers as (

    select
        'all' as period,
        cast(null as date) as month_date,
        currency,
        customer_id,
        max(case when reason = 'purchase' then 1 else 0 end) as purchase_count,
        min(reason) as reason
    from orders
    where customer_id is not null
    group by currency, customer_id

    union all

    select
        'month' as period,
        month_date,
        currency,
        customer_id,
        max(case when reason = 'purchase' then 1 else 0 end) as purchase_count,
        min(reason) as reason
    from orders
    where customer_id is not null
    group by month_date, currency, customer_id

),

{% set head = 'month_date, currency' %}

monthly as (
    {% for measure in line_measures %}
    select
        'month' as period, {{ head }}, '{{ measure }}' as measure, step, reason, {{ measure }} as amount,
        {{ 'unknown_count' if measure in ['gross', 'net'] else 0 }} as unknown_count
    from lines
    union all
    {%- endfor %}
    select 'month', {{ head }}, 'orders', 'platform', '', order_count, 0 from orders
    union all
    select 'month', {{ head }}, 'orders', 'reason', reason, -order_count, 0 from orders
    where reason <> 'purchase'
    union all
    select 'month', {{ head }}, 'orders', 'marts', '', case when reason = 'purchase' then order_count else 0 end, 0
    from orders
    {%- for measure in ['shipping', 'tax', 'tips'] %}
    {%- for step, reason, amount in [('platform', '', measure), ('reason', 'not_in_marts', '-' ~ measure), ('marts', '', '0')] %}
    union all
    select 'month', {{ head }}, '{{ measure }}', '{{ step }}', '{{ reason }}', {{ amount }}, 0 from totals
    where {{ measure }} is not null
    {%- endfor %}
    {%- endfor %}
    union all
    -- From the total to the net amount of the lines, and on to the marts.
    select 'month', {{ head }}, 'total', 'platform', '', total, 0 from totals
    where total is not null
    {%- for reason, amount in [
        ('shipping', 'shipping'), ('tax', 'tax_in_total'), ('tips', 'tips'),
        ('refunds_not_in_total', 'refunds_not_in_total'), ('unexplained', 'unexplained')
    ] %}
    union all
    select 'month', {{ head }}, 'total', 'reason', '{{ reason }}', -coalesce({{ amount }}, 0), 0 from totals
    where total is not null
    {%- endfor %}
    union all
    select 'month', lines.month_date, lines.currency, 'total', lines.step, lines.reason, lines.net, lines.unknown_count
    from lines
    inner join totals
        on
            coalesce(lines.month_date, date '1000-01-01') = coalesce(totals.month_date, date '1000-01-01')
            and lines.currency = totals.currency
    where lines.step <> 'platform' and totals.total is not null

),

everything as (

    select * from monthly
    union all
    select 'all', cast(null as date), currency, measure, step, reason, amount, unknown_count from monthly
    union all
    select period, {{ head }}, 'customers', 'platform', '', 1, 0 from customers
    union all
    select period, {{ head }}, 'customers', 'reason', reason, -1, 0 from customers
    where purchase_count = 0
    union all
    select period, {{ head }}, 'customers', 'marts', '', purchase_count, 0 from customers
    {%- for measure, amount in expected.items() %}
    union all
    select 'all', cast(null as date), {{ reconciled_currency('null') }}, '{{ measure }}', 'expected', '', {{ amount }}, 0
    {%- endfor %}

),

summed as (

    select
        case
            when period = 'all' then 'all'
            else coalesce(substring(cast(month_date as {{ dbt.type_string() }}), 1, 7), 'unknown')
        end as period,
        month_date,
        currency,
        measure,
        step,
        reason,
        cast(sum(amount) as decimal(28, 4)) as amount,
        cast(sum(unknown_count) as bigint) as unknown_amount_row_count

    from everything

    group by 1, 2, 3, 4, 5, 6

),

numbered as (

    select
        *,
        cast(
            row_number() over (
                partition by period, currency, measure
                order by
                    case step when 'platform' then 1 when 'reason' then 2 when 'marts' then 3 else 4 end,
                    abs(amount) desc,
                    reason
            ) as int
        ) as step_number

    from summed

    where step <> 'reason' or amount <> 0 or unknown_amount_row_count > 0

)

select
    period,
    month_date,
    currency,
    measure,
    step_number,
    step,
    reason,
    amount,
    unknown_amount_row_count

from numbered
