{#-
    Assign every row of the CTE `customers` (customer_id, as_of_date, and `measures`, none null) to the nearest
    prototype among the CTE `parameters` (the rows of one version; see ml_segmentation__parameters), as
    clientele.segmentation.clustering.assign does. Expands to CTEs, the last of which is `assigned`.

    Up to `slots` prototypes are one wide row, and a customer's distances are expressions over it: no join, no
    aggregation. More of them (hierarchical, dbscan) are joined, a row each. What is never scaled by quantiles can do
    without the knots.
-#}

{% macro nearest_segments(segmentation, measures, slots=12, with_quantiles=true) %}

{#- A linter judges the model, not what a macro makes: one of each repeated expression is enough for it to read. -#}
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
        -- Numbered anew: prototypes of a merged cluster keep their own numbers.
        row_number() over (order by prototype_id) - 1 as slot,
        count(*) over () as prototype_count

    from parameters

    group by prototype_id

),

scalings as (

    select
        max(scaling) as scaling,
        {% for measure in measures %}
        coalesce(max(case when feature = '{{ measure }}' then location end), 0) as location_{{ measure }},
        coalesce(max(case when feature = '{{ measure }}' then scale end), 1) as scale_{{ measure }},
        {% for knot in range(11 if with_quantiles else 0) %}
        max(case when feature = '{{ measure }}' then knot_{{ knot }} end) as knot_{{ knot }}_{{ measure }},
        {% endfor %}
        {% endfor %}
        count(*) as parameter_count

    from parameters

),

unscaled as (

    select
        customers.customer_id,
        customers.as_of_date,
        {% for measure in measures %}
        case
            when scalings.scaling = 'log1p' then ln(1 + customers.{{ measure }})
            {% if with_quantiles -%}
            when scalings.scaling = 'quantile' then
                (
                    0
                    {% for knot in range(10) %}
                    {%- set low = 'scalings.knot_' ~ knot ~ '_' ~ measure %}
                    {%- set high = 'scalings.knot_' ~ (knot + 1) ~ '_' ~ measure %}
                    + coalesce(
                        case
                            when {{ high }} > {{ low }}
                                then least(greatest((customers.{{ measure }} - {{ low }}) / ({{ high }} - {{ low }}), 0), 1)
                            when customers.{{ measure }} >= {{ low }} then 1
                        end,
                        0
                    )
                    {% endfor %}
                ) / 10
            {% endif -%}
            else customers.{{ measure }}
        end as {{ measure }}{{ ',' if not loop.last }}
        {% endfor %}

    from customers

    cross join scalings

    where scalings.parameter_count > 0

),

scaled as (

    select
        unscaled.customer_id,
        unscaled.as_of_date,
        {% for measure in measures %}
        (unscaled.{{ measure }} - scalings.location_{{ measure }}) / scalings.scale_{{ measure }} as {{ measure }}{{ ',' if not loop.last }}
        {% endfor %}

    from unscaled

    cross join scalings

),

slots as (

    select
        {% for slot in range(slots) %}
        max(case when slot = {{ slot }} then segment_key end) as segment_key_{{ slot }},
        max(case when slot = {{ slot }} then offset_score end) as offset_score_{{ slot }},
        max(case when slot = {{ slot }} then reach end) as reach_{{ slot }},
        {% for measure in measures %}
        max(case when slot = {{ slot }} then centre_{{ measure }} end) as centre_{{ slot }}_{{ measure }},
        max(case when slot = {{ slot }} then weight_{{ measure }} end) as weight_{{ slot }}_{{ measure }},
        {% endfor %}
        {% endfor %}
        max(prototype_count) as prototype_count

    from prototypes

),

-- Squared distances, null where there are fewer prototypes than slots. Products: power() costs a third more in all.
few as (

    select
        scaled.customer_id,
        scaled.as_of_date,
        {% for slot in range(slots) %}
        {% for measure in measures -%}
        {{ '+ ' if not loop.first }}slots.weight_{{ slot }}_{{ measure }}
        * (scaled.{{ measure }} - slots.centre_{{ slot }}_{{ measure }})
        * (scaled.{{ measure }} - slots.centre_{{ slot }}_{{ measure }})
        {% endfor %} as square_{{ slot }}{{ ',' if not loop.last }}
        {% endfor %}

    from scaled

    cross join slots

    where slots.prototype_count <= {{ slots }}

),

few_scored as (

    select
        few.*,
        least(
            {% for slot in range(slots) -%}
            few.square_{{ slot }} + slots.offset_score_{{ slot }}{{ ', ' if not loop.last }}
            {% endfor %}
        ) as score

    from few

    cross join slots

),

-- Of equally near prototypes the first decides.
few_decided as (

    select
        few_scored.*,
        case
            {% for slot in range(slots) -%}
            when few_scored.score = few_scored.square_{{ slot }} + slots.offset_score_{{ slot }} then {{ slot }}
            {% endfor %}
        end as slot

    from few_scored

    cross join slots

),

few_nearest as (

    select
        few_decided.customer_id,
        few_decided.as_of_date,
        prototypes.segment_key,
        prototypes.reach,
        few_decided.score - prototypes.offset_score as square,
        least(
            {% for slot in range(slots) -%}
            case when slots.segment_key_{{ slot }} <> prototypes.segment_key then few_decided.square_{{ slot }} end{{ ', ' if not loop.last }}
            {% endfor %}
        ) as other_square

    from few_decided

    cross join slots

    inner join prototypes
        on few_decided.slot = prototypes.slot

),

many as (

    select
        scaled.customer_id,
        scaled.as_of_date,
        prototypes.prototype_id,
        prototypes.segment_key,
        prototypes.reach,
        prototypes.offset_score,
        {% for measure in measures -%}
        {{ '+ ' if not loop.first }}prototypes.weight_{{ measure }}
        * (scaled.{{ measure }} - prototypes.centre_{{ measure }})
        * (scaled.{{ measure }} - prototypes.centre_{{ measure }})
        {% endfor %} as square

    from scaled

    inner join prototypes
        on prototypes.prototype_count > {{ slots }}

),

many_segments as (

    select
        customer_id,
        as_of_date,
        segment_key,
        min(square + offset_score) as score,
        min(square) as square,
        min_by(reach, square + offset_score) as reach,
        min_by(square, square + offset_score) as own_square,
        min_by(prototype_id, square + offset_score) as prototype_id

    from many

    group by customer_id, as_of_date, segment_key

),

many_ranked as (

    select
        *,
        row_number() over (partition by customer_id, as_of_date order by score, prototype_id) as preference,
        lead(square) over (partition by customer_id, as_of_date order by score, prototype_id) as other_square

    from many_segments

),

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
        -- 1 in the middle of the segment, 0 half way to the next one; without a next one there is no doubt.
        case
            when other_square is null then 1.0
            when other_square <= square then 0.0
            -- Rounded: near the border the last digits are those of a difference.
            else round(1 - sqrt(greatest(square, 0)) / sqrt(other_square), 9)
        end as confidence,
        sqrt(greatest(square, 0)) > coalesce(reach, sqrt(greatest(square, 0))) as is_noise

    from nearest

)

{% endmacro %}
