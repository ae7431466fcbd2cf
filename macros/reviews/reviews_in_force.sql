{#-
    CTEs: `today`, and `fit`, the rows of the version that scores: the last of this source that was fitted by today.
-#}

{% macro reviews_in_force() %}
today as (

    select as_of_date from {{ ref('int_as_of_dates') }}
    where is_current

),

latest as (

    select fits.version
    from {{ ref('ml_reviews__fits') }} as fits
    inner join today
        on fits.as_of_date <= today.as_of_date
    where fits.source_name = {{ dbt.string_literal(var('source').name) }} and fits.part = 'sentiment'
    order by fits.as_of_date desc, fits.version desc
    limit 1

),

fit as (

    select fits.*
    from {{ ref('ml_reviews__fits') }} as fits
    inner join latest
        on fits.version = latest.version
    where fits.source_name = {{ dbt.string_literal(var('source').name) }}

)
{%- endmacro %}
