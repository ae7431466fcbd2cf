{#- How many files stand at a path or glob. -#}

{% macro count_files(path) %}
    {{ return(adapter.dispatch('count_files')(path)) }}
{% endmacro %}

{% macro duckdb__count_files(path) %}
    {%- set files = run_query("select count(*) from glob(" ~ dbt.string_literal(path | replace("'", "''")) ~ ")") -%}
    {{ return(files.columns[0].values()[0] | int) }}
{% endmacro %}
