{#-
    CTEs that put the features of the CTE `customers` on the scales of the CTE `parameters`, as
    clientele.segmentation.scaling.apply_scaling does: a part of `nearest_segments`. The last one is `scaled`.
    Without `with_quantiles` the scaling `quantile` is not supported, and its knots are left out.
-#}

{% macro scaled_customers(measures, with_quantiles) %}
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

scaled as (

    select
        customers.customer_id,
        customers.as_of_date,
        {% for measure in measures %}
        (
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
            end - scalings.location_{{ measure }}
        ) / scalings.scale_{{ measure }} as {{ measure }}{{ ',' if not loop.last }}
        {% endfor %}

    from customers

    cross join scalings

    where scalings.parameter_count > 0

)
{% endmacro %}
