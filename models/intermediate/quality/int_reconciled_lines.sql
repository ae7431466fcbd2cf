{{ config(materialized='table') }}

{%- set table = var('source').get('tables', {}).get('order_lines') or {} -%}
{%- set only_orders_state_refunds = (table.get('order_amounts') or {}).get('refund') and not (table.get('columns') or {}).get('refunded_amount') -%}
{%- set is_return = 'coalesce(screened.quantity, 0) < 0' %}

with

returns as (

    select * from {{ ref('int_returns') }}
    where not is_reversal

),

totals as (

    select * from {{ ref('int_reconciled_totals') }}

),

reversed_lines as (

    select * from {{ ref('int_reversed_lines') }}

),

-- Amounts in the currency of the lines, as the source has them, and `own_` amounts in the currency of the source.
screened_lines as (

    select
        {{ reconciled_month('screened.order_date') }} as month_date,
        {{ reconciled_currency('screened.currency') }} as currency,
        {{ reconciled_reason() }} as reason,
        count(*) as line_count,
        count(*) - count(screened.raw_amount) as unknown_count,
        sum(case when {{ is_return }} then 0 else coalesce(screened.raw_amount, 0) end) as gross,
        sum(case when {{ is_return }} then 0 else screened.raw_discount_amount end) as discounts,
        sum(
            case
                when {{ is_return }} then coalesce(screened.raw_discount_amount - screened.raw_amount, 0)
                else screened.raw_refunded_amount
            end
        ) as refunds,
        sum(case when {{ is_return }} then 0 else screened.raw_refunded_amount end) as line_refunds,
        -- A cancellation gives money back, also if it is written with a positive amount.
        sum(case when {{ is_return }} and screened.raw_amount > 0 then 2 * screened.raw_amount else 0 end) as turned,
        sum(case when {{ is_return }} then 0 else screened.amount end) as own_gross,
        sum(case when {{ is_return }} then 0 else screened.discount_amount end) as own_discounts,
        sum(
            case
                when {{ is_return }} then screened.discount_amount - screened.amount
                else screened.refunded_amount
            end
        ) as own_refunds

    from {{ ref('int_order_lines__screened') }} as screened

    left join reversed_lines
        on
            screened.order_id = reversed_lines.order_id
            and screened.product_id = reversed_lines.product_id
            and screened.line_number = reversed_lines.line_number

    group by {{ reconciled_month('screened.order_date') }}, {{ reconciled_currency('screened.currency') }}, {{ reconciled_reason() }}

),

-- What was given back beyond the lines, for shipping and tax. Only a source whose orders alone state refunds tells.
beyond_lines as (

    select
        month_date,
        currency,
        refunds

    from totals

    where {{ 'refunds is not null' if only_orders_state_refunds else 'false' }}

    union all

    select
        month_date,
        currency,
        -line_refunds as refunds

    from screened_lines

    where {{ 'line_refunds <> 0' if only_orders_state_refunds else 'false' }}

),

-- A return counts in the month of its purchase, and the source has it in the return's month.
moved as (

    select
        {{ reconciled_month('return_date') }} as month_date,
        {{ reconciled_currency('return_currency') }} as currency,
        -returned_amount as refunds

    from returns

    union all

    select
        {{ reconciled_month('order_date') }} as month_date,
        {{ reconciled_currency() }} as currency,
        returned_amount as refunds

    from returns

),

held as (

    select
        {{ reconciled_month('order_date') }} as month_date,
        {{ reconciled_currency() }} as currency,
        count(*) as line_count,
        sum(gross_amount) as gross,
        sum(discount_amount) as discounts,
        sum(returned_amount) as refunds

    from {{ ref('int_order_lines') }}

    group by {{ reconciled_month('order_date') }}, {{ reconciled_currency() }}

),

parts as (
    {% for step, reason, line_count, gross, discounts, refunds, unknown_count, relation in [
        ('platform', "''", 'line_count', 'gross', 'discounts', 'refunds', 'unknown_count', 'screened_lines'),
        ('platform', "''", '0', '0', '0', 'refunds', '0', 'beyond_lines'),
        ('reason', "'refund_beyond_lines'", '0', '0', '0', '-refunds', '0', 'beyond_lines'),
        ('reason', 'reason', '-line_count', '-gross', '-discounts', '-refunds', 'unknown_count', 'screened_lines'),
        (
            'reason', "'currency_conversion'",
            '0', 'own_gross - gross', 'own_discounts - discounts', 'own_refunds - refunds - turned', '0', 'screened_lines'
        ),
        ('reason', "'cancellation_gives_back'", '0', '0', '0', 'turned', '0', 'screened_lines'),
        ('reason', "'return_in_month_of_purchase'", '0', '0', '0', 'refunds', '0', 'moved'),
        ('marts', "''", '0', '0', '0', '0', '0', 'screened_lines'),
        ('marts', "''", 'line_count', 'gross', 'discounts', 'refunds', '0', 'held'),
    ] %}
    select
        month_date,
        currency,
        '{{ step }}' as step,
        {{ reason }} as reason,
        {{ line_count }} as line_count,
        {{ gross }} as gross,
        {{ discounts }} as discounts,
        {{ refunds }} as refunds,
        {{ unknown_count }} as unknown_count
    from {{ relation }}
    {%- if reason == 'reason' %}
    where reason <> 'accepted'
    {%- elif reason == "'currency_conversion'" %}
    where reason = 'accepted'
    {%- elif reason == "'cancellation_gives_back'" %}
    where reason = 'accepted' and turned <> 0
    {%- endif %}
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

summed as (

    select
        month_date,
        currency,
        step,
        reason,
        cast(sum(line_count) as decimal(28, 4)) as line_count,
        cast(sum(gross) as decimal(28, 4)) as gross,
        cast(sum(discounts) as decimal(28, 4)) as discounts,
        cast(sum(refunds) as decimal(28, 4)) as refunds,
        cast(sum(gross - discounts - refunds) as decimal(28, 4)) as net,
        cast(sum(unknown_count) as bigint) as unknown_count

    from parts

    group by month_date, currency, step, reason

)

select * from summed
