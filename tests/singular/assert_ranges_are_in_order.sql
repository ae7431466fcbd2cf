-- A lower percentile of value is not higher, a date with a lower probability is not later, and no
-- date is over two years away.

select
    customer_id,
    horizon_days

from {{ ref('fct_customer_values') }}

where
    clv_p10 > clv_p50
    or clv_p50 > clv_p90
    or next_order_date_p10 > next_order_date_p50
    or next_order_date_p50 > next_order_date_p90
    or (next_order_date_p50 is not null and next_order_date_p10 is null)
    or (next_order_date_p90 is not null and next_order_date_p50 is null)
    or p_order > p_alive
    or {{ dbt.datediff('as_of_date', 'next_order_date_p10', 'day') }} > 730
    or {{ dbt.datediff('as_of_date', 'next_order_date_p50', 'day') }} > 730
    or {{ dbt.datediff('as_of_date', 'next_order_date_p90', 'day') }} > 730
