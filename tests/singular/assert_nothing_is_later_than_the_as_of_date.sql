-- No mart has a date after the as-of date.

with

as_of as (

    select as_of_date from {{ ref('int_as_of_dates') }}
    where is_current

),

latest as (

    select
        'fct_orders' as mart,
        max(order_date) as last_date
    from {{ ref('fct_orders') }}

    union all

    select
        'fct_order_lines' as mart,
        max(order_date) as last_date
    from {{ ref('fct_order_lines') }}

    union all

    select
        'fct_customer_features' as mart,
        max(last_order_date) as last_date
    from {{ ref('fct_customer_features') }}

    union all

    select
        'dim_dates' as mart,
        max(date_day) as last_date
    from {{ ref('dim_dates') }}

    union all

    select
        'dim_products' as mart,
        max(last_sold_date) as last_date
    from {{ ref('dim_products') }}

)

select
    latest.mart,
    latest.last_date,
    as_of.as_of_date

from latest

cross join as_of

where latest.last_date > as_of.as_of_date
