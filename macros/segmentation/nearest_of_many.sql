{#-
    CTEs that find the nearest of more than `slots` prototypes for each row of the CTE `scaled`: a part of
    `nearest_segments`. The last one is `many_ranked`, which has no rows if there are fewer prototypes. Prototypes are
    joined, a row each.
-#}

{% macro nearest_of_many(measures, slots) %}
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

)
{% endmacro %}
