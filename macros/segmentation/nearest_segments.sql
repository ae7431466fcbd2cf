{#-
    Assign every row of the CTE `customers` (customer_id, as_of_date and the columns `measures`, none null) to the nearest
    prototype of the CTE `parameters` (the rows of one version, see ml_segmentation__parameters), as
    clientele.segmentation.clustering.assign does. Expands to CTEs, of which `assigned` is the last.

    Up to `slots` prototypes are compared by expressions, more of them (hierarchical, dbscan) by a join. `with_quantiles`
    can be false for features that are never scaled by quantiles.
-#}

{% macro nearest_segments(segmentation, measures, slots=12, with_quantiles=true) %}

{#- For a linter one of each repeated expression is enough: it checks the model, not what a macro expands to. -#}
{%- if var('is_linted', false) %}{% set measures, slots = measures[:1], 1 %}{% endif %}

prototypes as (

    select
        prototype_id,
        max(segment_key) as segment_key,
        max(offset_score) as offset_score,
        max(reach) as reach,
        {% for measure in measures %}
        coalesce(max(case when feature = '{{ measure }}' then centre end), 0) as centre_{{ measure }},
        coalesce(max(case when feature = '{{ measure }}' then weight end), 0) as weight_{{ measure }},
        {% endfor %}
        -- Numbers without gaps: the prototypes of a merged cluster keep their own numbers.
        row_number() over (order by prototype_id) - 1 as slot,
        count(*) over () as prototype_count

    from parameters

    group by prototype_id

),

{{ scaled_customers(measures, with_quantiles) }},

{{ nearest_of_few(measures, slots) }},

{{ nearest_of_many(measures, slots) }},

nearest as (

    select
        customer_id,
        as_of_date,
        segment_key,
        reach,
        square,
        other_square
    from few_nearest

    union all

    select
        customer_id,
        as_of_date,
        segment_key,
        reach,
        own_square as square,
        other_square
    from many_ranked
    where preference = 1

),

assigned as (

    select
        customer_id,
        as_of_date,
        '{{ segmentation }}' as segmentation,
        case
            when sqrt(greatest(square, 0)) <= coalesce(reach, sqrt(greatest(square, 0))) then segment_key
            else '{{ segmentation }}-noise'
        end as segment_key,
        sqrt(greatest(square, 0)) as distance,
        -- 1 at a prototype, 0 halfway to the next segment, and 1 if there is only one segment.
        case
            when other_square is null then 1.0
            when other_square <= square then 0.0
            -- Rounded, because rounding errors dominate the last digits near the border.
            else round(1 - sqrt(greatest(square, 0)) / sqrt(other_square), 9)
        end as confidence,
        sqrt(greatest(square, 0)) > coalesce(reach, sqrt(greatest(square, 0))) as is_noise

    from nearest

)

{% endmacro %}
