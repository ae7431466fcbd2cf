with

runs as (

    select * from {{ ref('ml_segmentation__runs') }}

),

versions as (

    select * from {{ ref('ml_segmentation__versions') }}
    where source_name = {{ dbt.string_literal(var('source').name) }}

),

-- Finished versions only.
recorded as (

    select
        runs.segmentation,
        runs.version,
        runs.as_of_date,
        runs.feature_set,
        runs.method,
        runs.cluster_count,
        runs.segment_count,
        runs.smallest_share,
        runs.noise_share,
        runs.silhouette,
        runs.silhouette_error,
        runs.silhouette_gain,
        runs.davies_bouldin,
        runs.calinski_harabasz,
        runs.stability,
        runs.stability_worst,
        runs.forward_value,
        runs.forward_value_error,
        runs.forward_spend_r2,
        runs.forward_churn_r2,
        runs.is_predictive,
        runs.agreement,
        runs.approximation_agreement,
        runs.mean_rank,
        runs.is_eligible,
        runs.is_chosen,
        runs.verdict

    from runs

    inner join versions
        on
            runs.segmentation = versions.segmentation
            and runs.version = versions.version

)

select * from recorded
