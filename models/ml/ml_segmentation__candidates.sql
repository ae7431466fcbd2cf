{#- A view: every method's candidates in one place. -#}
{{ config(materialized='view') }}

select * from {{ ref('ml_segmentation__kmeans') }}

union all

select * from {{ ref('ml_segmentation__hierarchical') }}

union all

select * from {{ ref('ml_segmentation__gaussian_mixture') }}

union all

select * from {{ ref('ml_segmentation__dbscan') }}

union all

select * from {{ ref('ml_segmentation__hdbscan') }}
