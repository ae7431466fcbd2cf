{#- A source's expression or condition, in which "My column" is a column on each engine; Spark would take it for a text. -#}

{% macro quoted_names(sql) %}
    {{- adapter.dispatch('quoted_names')(sql) -}}
{% endmacro %}

{% macro duckdb__quoted_names(sql) %}
    {{- sql -}}
{% endmacro %}

{% macro spark__quoted_names(sql) -%}
    {#- Every other part is a text in single quotes. -#}
    {%- set parts = [] -%}
    {%- for part in sql.split("'") -%}
        {%- do parts.append(part | replace('"', '`') if loop.index0 is even else part) -%}
    {%- endfor -%}
    {{- parts | join("'") -}}
{%- endmacro %}
