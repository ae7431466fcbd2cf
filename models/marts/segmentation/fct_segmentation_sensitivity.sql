with

sensitivity as (

    select * from {{ ref('ml_segmentation__sensitivity') }}

),

versions as (

    select * from {{ ref('ml_segmentation__versions') }}
    where source_name = {{ dbt.string_literal(var('source').name) }}

),

-- Finished versions only.
recorded as (

    select
        sensitivity.segmentation,
        sensitivity.version,
        sensitivity.variation,
        sensitivity.changed_to,
        sensitivity.segment_count,
        sensitivity.changed_share

    from sensitivity

    inner join versions
        on
            sensitivity.segmentation = versions.segmentation
            and sensitivity.version = versions.version

)

select * from recorded
