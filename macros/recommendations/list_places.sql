{#- The CTE `places`, with the places of a list from 1 to `length`: arrays become rows by a join with it. -#}

{% macro list_places(length) %}

places as (
    {% for place in range(1, length + 1) %}

    select {{ place }} as place
    {{ 'union all' if not loop.last }}
    {%- endfor %}

)

{%- endmacro %}
