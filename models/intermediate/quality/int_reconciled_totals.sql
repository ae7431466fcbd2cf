with

order_totals as (

    select * from {{ ref('stg_order_totals') }}

),

totals as (

    select
        {{ reconciled_month('cast(ordered_at as date)') }} as month_date,
        {{ reconciled_currency() }} as currency,
        sum(total_amount) as total,
        sum(abs(refund_amount)) as refunds,
        sum(shipping_amount) as shipping,
        sum(tax_amount) as tax,
        sum(tip_amount) as tips

    from order_totals

    group by {{ reconciled_month('cast(ordered_at as date)') }}, {{ reconciled_currency() }}

)

select * from totals
