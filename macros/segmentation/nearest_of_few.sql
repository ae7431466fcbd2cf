{#-
    CTEs that find the nearest of at most `slots` prototypes for each row of the CTE `scaled`: a part of
    `nearest_segments`. The last one is `few_nearest`, which has no rows if there are more prototypes. All prototypes are
    one wide row, so that the distances of a customer are expressions without a join or an aggregation. One CTE alone reads
    that row: Spark plans its hundreds of aggregates again for each that does.
-#}

{% macro nearest_of_few(measures, slots) %}
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

-- Squared distances, null for slots without a prototype. Products, because power() takes a third longer in all.
few as (

    select
        scaled.customer_id,
        scaled.as_of_date,
        {% for slot in range(slots) %}
        slots.segment_key_{{ slot }},
        slots.offset_score_{{ slot }},
        slots.reach_{{ slot }},
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
        *,
        least(
            {% for slot in range(slots) -%}
            square_{{ slot }} + offset_score_{{ slot }}{{ ', ' if not loop.last }}
            {% endfor %}
        ) as score

    from few

),

-- If several prototypes are equally near, the first decides.
few_decided as (

    select
        *,
        case
            {% for slot in range(slots) -%}
            when score = square_{{ slot }} + offset_score_{{ slot }} then {{ slot }}
            {% endfor %}
        end as slot

    from few_scored

),

few_labelled as (

    select
        *,
        {% for label in ['segment_key', 'offset_score', 'reach'] %}
        case slot
            {% for slot in range(slots) -%}
            when {{ slot }} then {{ label }}_{{ slot }}
            {% endfor %}
        end as {{ label }}{{ ',' if not loop.last }}
        {% endfor %}

    from few_decided

    -- Null where no prototype has a distance.
    where slot is not null

),

few_nearest as (

    select
        customer_id,
        as_of_date,
        segment_key,
        reach,
        score - offset_score as square,
        least(
            {% for slot in range(slots) -%}
            case when segment_key_{{ slot }} <> segment_key then square_{{ slot }} end{{ ', ' if not loop.last }}
            {% endfor %}
        ) as other_square

    from few_labelled

)
{% endmacro %}
