{#- A view: every method's candidates in one place. -#}
{{ config(materialized='view') }}

with

kmeans as (

    select * from {{ ref('ml_segmentation__kmeans') }}

),

hierarchical as (

    select * from {{ ref('ml_segmentation__hierarchical') }}

),

gaussian_mixture as (

    select * from {{ ref('ml_segmentation__gaussian_mixture') }}

),

dbscan as (

    select * from {{ ref('ml_segmentation__dbscan') }}

),

hdbscan as (

    select * from {{ ref('ml_segmentation__hdbscan') }}

),

candidates as (

    select * from kmeans

    union all

    select * from hierarchical

    union all

    select * from gaussian_mixture

    union all

    select * from dbscan

    union all

    select * from hdbscan

),

listed as (

    select
        segmentation,
        as_of_date,
        is_current,
        feature_set,
        method,
        cluster_count,
        prototype_id,
        cluster_id,
        feature,
        scaling,
        location,
        scale,
        knot_0,
        knot_1,
        knot_2,
        knot_3,
        knot_4,
        knot_5,
        knot_6,
        knot_7,
        knot_8,
        knot_9,
        knot_10,
        centre,
        weight,
        offset_score,
        reach,
        far_distance,
        approximation_agreement

    from candidates

)

select * from listed
