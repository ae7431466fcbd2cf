-- Gross less discount less returned is net, on every line and on every order.

select order_line_id as row_key
from {{ ref('fct_order_lines') }}
where gross_amount - discount_amount - returned_amount <> net_amount

union all

select order_id as row_key
from {{ ref('fct_orders') }}
where gross_amount - discount_amount - returned_amount <> net_amount
