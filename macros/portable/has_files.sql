{#- Whether a path or glob matches a file. -#}

{% macro has_files(path) %}
    {{ return(adapter.dispatch('has_files')(path)) }}
{% endmacro %}

{% macro duckdb__has_files(path) %}
    {%- set files = run_query("select count(*) from glob(" ~ text_literal(path) ~ ")") -%}
    {{ return(files.columns[0].values()[0] | int > 0) }}
{% endmacro %}

{#- Spark has no SQL for this, so the adapter (see src/dbt_spark_python.py) asks the file system. -#}
{% macro spark__has_files(path) %}
    {{ return(adapter.find_files(path) is not none) }}
{% endmacro %}
