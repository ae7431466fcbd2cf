{#- Whether a text holds a match of a regular expression; both are SQL expressions. -#}

{% macro matches(value, pattern) %}
    {{- adapter.dispatch('matches')(value, pattern) -}}
{% endmacro %}

{% macro duckdb__matches(value, pattern) -%}
    regexp_matches({{ value }}, {{ pattern }})
{%- endmacro %}

{% macro spark__matches(value, pattern) -%}
    {{ value }} rlike {{ pattern }}
{%- endmacro %}
