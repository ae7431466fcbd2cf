with

orders as (

    select * from {{ ref('int_orders') }}
    where customer_id is not null

),

matched_returns as (

    select * from {{ ref('int_returns') }}
    where not is_reversal

),

as_of_dates as (

    select * from {{ ref('int_as_of_dates') }}

),

{{ behaviour_to_date() }}

select * from behaviour
