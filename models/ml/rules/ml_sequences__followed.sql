with

purchases as (

    select * from {{ ref('feat_sequences__purchases') }}

),

days as (

    select
        customer_number,
        order_date,
        count(distinct order_id) as order_count

    from purchases

    where is_followed_up

    group by customer_number, order_date

),

bought as (

    select distinct
        customer_number,
        order_date,
        product_number

    from purchases

    where is_frequent

),

-- An order of the same day is not later.
followed as (

    select
        days.customer_number,
        days.order_date,
        days.order_count,
        bought.product_number,
        min({{ dbt.datediff('days.order_date', 'bought.order_date', 'day') }}) as gap_days

    from days

    inner join bought
        on
            days.customer_number = bought.customer_number
            and days.order_date < bought.order_date
            and bought.order_date <= {{ dbt.dateadd('day', var('sequences_window_days'), 'days.order_date') }}

    group by days.customer_number, days.order_date, days.order_count, bought.product_number

)

select * from followed
