with

versions as (

    select * from {{ ref('ml_segmentation__versions') }}
    where source_name = {{ dbt.string_literal(var('source').name) }}

),

parameters as (

    select * from {{ ref('ml_segmentation__parameters') }}

),

today as (

    select max(as_of_date) as as_of_date from {{ ref('feat_customers__segmentation_sample') }}

),

ranked as (

    select
        versions.segmentation,
        versions.version,
        row_number() over (
            partition by versions.segmentation
            order by versions.as_of_date desc, versions.version desc
        ) as preference

    from versions

    inner join today
        on versions.as_of_date <= today.as_of_date

    where versions.is_promoted

),

in_force as (

    select parameters.*

    from parameters

    inner join ranked
        on
            parameters.segmentation = ranked.segmentation
            and parameters.version = ranked.version
            and ranked.preference = 1

)

select * from in_force
