with

orders as (

    select order_date from {{ ref('fct_orders') }}

),

as_of as (

    select as_of_date from {{ ref('int_as_of_dates') }}
    where is_current

),

first_days as (

    select min(order_date) as first_day from orders

),

bounds as (

    select
        as_of.as_of_date,
        coalesce(first_days.first_day, as_of.as_of_date) as first_day

    from as_of

    cross join first_days

),

days as (

    select
        as_of_date,
        {{ each_day('first_day', 'as_of_date') }} as date_day

    from bounds

),

described as (

    select
        date_day,
        cast(date_trunc('month', date_day) as date) as month_date,
        {{ dbt.last_day('date_day', 'month') }} <= as_of_date as is_complete

    from days

)

select * from described
