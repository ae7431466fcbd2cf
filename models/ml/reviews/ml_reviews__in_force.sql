{{ config(enabled=has_reviews(), materialized='view') }}

with

fits as (

    select * from {{ ref('ml_reviews__fits') }}
    where source_name = {{ dbt.string_literal(var('source').name) }}

),

today as (

    select as_of_date from {{ ref('int_as_of_dates') }}
    where is_current

),

latest as (

    select
        fits.version,
        today.as_of_date

    from fits

    inner join today
        on fits.as_of_date <= today.as_of_date

    where fits.part = 'sentiment'

    order by fits.as_of_date desc, fits.version desc

    limit 1

)

select
    fits.version,
    fits.as_of_date as fitted_date,
    latest.as_of_date as scored_date,
    fits.part,
    fits.name,
    fits.topic_number,
    fits.value,
    fits.label

from fits

inner join latest
    on fits.version = latest.version
