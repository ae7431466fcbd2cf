with

versions as (

    select * from {{ ref('ml_segmentation__versions') }}
    where source_name = {{ dbt.string_literal(var('source').name) }}

),

parameters as (

    select * from {{ ref('ml_segmentation__parameters') }}

),

-- RFM groups are not fitted; every refit of `behaviour` measures them with the candidates.
predictive as (

    select
        segmentation,
        version,
        max(case when is_chosen then is_predictive end) as is_predictive,
        max(case when method = 'rfm_groups' then is_predictive end) as is_rfm_predictive

    from {{ ref('ml_segmentation__runs') }}

    group by segmentation, version

),

today as (

    select as_of_date from {{ ref('int_as_of_dates') }}
    where period_number = 0

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

    select
        parameters.segmentation,
        parameters.version,
        parameters.segment_key,
        parameters.segment_name,
        parameters.as_of_date,
        parameters.feature_set,
        parameters.method,
        parameters.cluster_count,
        parameters.prototype_id,
        parameters.cluster_id,
        parameters.feature,
        parameters.scaling,
        parameters.location,
        parameters.scale,
        parameters.knot_0,
        parameters.knot_1,
        parameters.knot_2,
        parameters.knot_3,
        parameters.knot_4,
        parameters.knot_5,
        parameters.knot_6,
        parameters.knot_7,
        parameters.knot_8,
        parameters.knot_9,
        parameters.knot_10,
        parameters.centre,
        parameters.weight,
        parameters.offset_score,
        parameters.reach,
        parameters.far_distance,
        parameters.approximation_agreement,
        predictive.is_predictive,
        predictive.is_rfm_predictive

    from parameters

    inner join ranked
        on
            parameters.segmentation = ranked.segmentation
            and parameters.version = ranked.version
            and ranked.preference = 1

    left join predictive
        on
            parameters.segmentation = predictive.segmentation
            and parameters.version = predictive.version

)

select * from in_force
