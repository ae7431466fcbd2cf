with

due as (

    select * from {{ ref('ml_segmentation__due') }}

),

today as (

    select as_of_date from {{ ref('int_as_of_dates') }}
    where is_current

),

drift as (

    select
        today.as_of_date,
        due.measure,
        due.value,
        due.threshold,
        due.is_exceeded

    from due

    cross join today

)

select * from drift
