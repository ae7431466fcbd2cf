{#- The CTE `places`, with the places of a list from 1 to `length`. A join with it turns arrays into rows. -#}

{% macro places_of_lists(length) %}

places as (
    {% for place in range(1, length + 1) %}

    select {{ place }} as place
    {{ 'union all' if not loop.last }}
    {%- endfor %}

)

{%- endmacro %}
