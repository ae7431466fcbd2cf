with

versions as (

    select * from {{ ref('ml_segmentation__versions') }}
    where source_name = {{ dbt.string_literal(var('source').name) }}

),

in_force as (

    select distinct
        segmentation,
        version
    from {{ ref('ml_segmentation__in_force') }}

),

recorded as (

    select
        versions.segmentation,
        versions.version,
        versions.as_of_date,
        versions.method,
        versions.feature_set,
        versions.segment_count,
        versions.refit_reason,
        versions.agreement,
        versions.is_promoted,
        in_force.version is not null as is_in_force,
        versions.reason,
        versions.new_segments,
        versions.retired_segments

    from versions

    left join in_force
        on
            versions.segmentation = in_force.segmentation
            and versions.version = in_force.version

)

select * from recorded
