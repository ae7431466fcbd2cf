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
    {% for period, month in [('month', 'month_date'), ('all', 'cast(null as date)')] %}
    select
        '{{ period }}' as period,
        {{ month }} as month_date,
        currency,
        customer_id,
        max(case when reason = 'purchase' then 1 else 0 end) as purchase_count,
        min(reason) as reason
    from orders
    where customer_id <> ''
    group by {{ 'month_date, ' if period == 'month' }}currency, customer_id
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

totals_of_orders as (

    select * from totals
    where total is not null

),

-- From the total to the net amount of the lines; the rows of their net amount lead on to the marts.
lines_with_totals as (

    select lines.*

    from lines

    inner join totals_of_orders as totals
        on
            lines.currency = totals.currency
            and lines.month_date = totals.month_date

    where lines.step <> 'platform'

),

{#- Measure, step, reason, amount, number of lines whose amount is unknown, and where the rows are. -#}
{%- set parts = [
    ('orders', "'platform'", "''", 'order_count', '0', 'orders'),
    ('orders', "'reason'", 'reason', "case when reason = 'purchase' then 0 else -order_count end", '0', 'orders'),
    ('orders', "'marts'", "''", "case when reason = 'purchase' then order_count else 0 end", '0', 'orders'),
    ('total', "'platform'", "''", 'total', '0', 'totals_of_orders'),
    ('total', "'reason'", "'shipping'", '-coalesce(shipping, 0)', '0', 'totals_of_orders'),
    ('total', "'reason'", "'tax'", '-tax_in_total', '0', 'totals_of_orders'),
    ('total', "'reason'", "'tips'", '-coalesce(tips, 0)', '0', 'totals_of_orders'),
    ('total', "'reason'", "'refunds_not_in_total'", '-refunds_not_in_total', '0', 'totals_of_orders'),
    ('total', "'reason'", "'unexplained'", '-unexplained', '0', 'totals_of_orders'),
    ('total', 'step', 'reason', 'net', 'unknown_count', 'lines_with_totals'),
] -%}
{%- for measure in line_measures -%}
{%- set unknown = 'unknown_count' if measure in ['gross', 'net'] else '0' -%}
{%- set amount = 'line_count' if measure == 'lines' else measure -%}
{%- do parts.append((measure, 'step', 'reason', amount, unknown, 'lines')) -%}
{%- endfor -%}
{%- for measure in ['shipping', 'tax', 'tips'] -%}
{%- do parts.append((measure, "'platform'", "''", measure, '0', 'totals')) -%}
{%- do parts.append((measure, "'reason'", "'not_in_marts'", '-' ~ measure, '0', 'totals')) -%}
{%- do parts.append((measure, "'marts'", "''", '0 * ' ~ measure, '0', 'totals')) -%}
{%- endfor %}

monthly as (
    {% for measure, step, reason, amount, unknown, relation in parts %}
    select
        month_date,
        currency,
        '{{ measure }}' as measure,
        {{ step }} as step,
        {{ reason }} as reason,
        {{ amount }} as amount,
        {{ unknown }} as unknown_count
    from {{ relation }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

{%- set no_date = 'cast(null as date)' %}
{%- set everything = [
    ("'month'", 'month_date', 'currency', 'measure', 'step', 'reason', 'amount', 'unknown_count', 'from monthly'),
    ("'all'", no_date, 'currency', 'measure', 'step', 'reason', 'amount', 'unknown_count', 'from monthly'),
    ('period', 'month_date', 'currency', "'customers'", "'platform'", "''", '1', '0', 'from customers'),
    ('period', 'month_date', 'currency', "'customers'", "'reason'", 'reason', 'purchase_count - 1', '0', 'from customers'),
    ('period', 'month_date', 'currency', "'customers'", "'marts'", "''", 'purchase_count', '0', 'from customers'),
] -%}
{%- for measure, amount in expected.items() -%}
    {%- do everything.append(("'all'", no_date, reconciled_currency('null'), "'" ~ measure ~ "'", "'expected'", "''", amount, '0', '')) -%}
{%- endfor %}

everything as (
    {% for period, month, currency, measure, step, reason, amount, unknown, source in everything %}
    select
        {{ period }} as period,
        {{ month }} as month_date,
        {{ currency }} as currency,
        {{ measure }} as measure,
        {{ step }} as step,
        {{ reason }} as reason,
        {{ amount }} as amount,
        {{ unknown }} as unknown_count
    {{ source }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

summed as (

    select
        case
            when period = 'all' then 'all'
            when month_date = date '1000-01-01' then 'unknown'
            else substring(cast(month_date as {{ dbt.type_string() }}), 1, 7)
        end as period,
        nullif(month_date, date '1000-01-01') as month_date,
        currency,
        measure,
        step,
        reason,
        cast(sum(amount) as decimal(28, 4)) as amount,
        cast(sum(unknown_count) as bigint) as unknown_amount_row_count

    from everything

    where amount is not null

    group by period, month_date, currency, measure, step, reason

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
