{#- Whether a text holds a match of a regular expression; both are SQL expressions. -#}

{% macro matches(value, pattern) %}
    {{ return(adapter.dispatch('matches')(value, pattern)) }}
{% endmacro %}

{% macro duckdb__matches(value, pattern) -%}
    regexp_matches({{ value }}, {{ pattern }})
{%- endmacro %}


{#- A regular expression as a literal of the engine's SQL. -#}

{% macro pattern_literal(pattern) %}
    {{ return(adapter.dispatch('pattern_literal')(pattern)) }}
{% endmacro %}

{% macro duckdb__pattern_literal(pattern) -%}
    '{{ pattern | replace("'", "''") }}'
{%- endmacro %}
