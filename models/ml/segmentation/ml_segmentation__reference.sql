{#- The state after the last build, read before this build adds to it. -#}
{%- set versions = previous('ml_segmentation__versions', {
    'source_name': 'string', 'segmentation': 'string', 'version': 'int', 'as_of_date': 'date', 'is_promoted': 'boolean', 'feature_set': 'string',
    'method': 'string', 'cluster_count': 'int', 'configuration': 'string', 'baseline': 'string',
}) -%}
{%- set parameters = previous('ml_segmentation__parameters', {
    'segmentation': 'string', 'version': 'int', 'segment_key': 'string', 'segment_name': 'string', 'prototype_id': 'int',
    'cluster_id': 'int', 'feature': 'string', 'scaling': 'string', 'location': 'double', 'scale': 'double',
    'knot_0': 'double', 'knot_1': 'double', 'knot_2': 'double', 'knot_3': 'double', 'knot_4': 'double',
    'knot_5': 'double', 'knot_6': 'double', 'knot_7': 'double', 'knot_8': 'double', 'knot_9': 'double',
    'knot_10': 'double', 'centre': 'double', 'weight': 'double', 'offset_score': 'double', 'reach': 'double',
    'far_distance': 'double',
}) %}

with

versions as (

    select * from {{ versions }}
    where source_name = {{ dbt.string_literal(var('source').name) }}

),

parameters as (

    select * from {{ parameters }}

),

today as (

    select as_of_date from {{ ref('int_as_of_dates') }}
    where period_number = 0

),

-- A version of a later day never scores an earlier day. If nothing is earlier, it lends its keys.
ranked as (

    select
        versions.*,
        versions.as_of_date <= today.as_of_date as is_in_force,
        row_number() over (
            partition by versions.segmentation
            order by
                case when versions.as_of_date <= today.as_of_date then 0 else 1 end,
                abs({{ dbt.datediff('versions.as_of_date', 'today.as_of_date', 'day') }}),
                versions.version desc
        ) as preference

    from versions

    cross join today

    where versions.is_promoted

),

numbers as (

    select
        parameters.segmentation,
        max(cast(
            case
                when parameters.segment_key not like '%-noise'
                    then replace(parameters.segment_key, concat(parameters.segmentation, '-'), '')
            end as int
        )) as last_key

    from parameters

    group by parameters.segmentation

),

-- The last refused version up to today: the same configuration is not tried again at once.
refused as (

    select
        versions.segmentation,
        max(versions.as_of_date) as refused_date,
        max_by(versions.configuration, versions.version) as refused_configuration

    from versions

    inner join today
        on versions.as_of_date <= today.as_of_date

    where not versions.is_promoted

    group by versions.segmentation

),

-- All versions ever written, also by interrupted builds: a number is used once.
last_version as (

    select max(version) as last_version
    from (
        select version from parameters

        union all

        select version from {{ previous('ml_segmentation__runs', {'version': 'int'}) }}

        union all

        select version from {{ previous('ml_baskets__itemsets', {'version': 'int'}) }}
    ) as written

),

reference as (

    select
        parameters.*,
        ranked.is_in_force,
        ranked.as_of_date as version_as_of_date,
        ranked.feature_set as version_feature_set,
        ranked.method as version_method,
        ranked.cluster_count as version_cluster_count,
        ranked.configuration,
        ranked.baseline,
        refused.refused_date,
        refused.refused_configuration,
        numbers.last_key,
        last_version.last_version

    from parameters

    inner join ranked
        on
            parameters.segmentation = ranked.segmentation
            and parameters.version = ranked.version
            and ranked.preference = 1

    inner join numbers
        on parameters.segmentation = numbers.segmentation

    left join refused
        on parameters.segmentation = refused.segmentation

    cross join last_version

)

select * from reference
