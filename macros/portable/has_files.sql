{#- Whether any file stands at a path or glob. -#}

{% macro has_files(path) %}
    {{ return(adapter.dispatch('has_files')(path)) }}
{% endmacro %}

{% macro duckdb__has_files(path) %}
    {%- set files = run_query("select count(*) from glob(" ~ text_literal(path) ~ ")") -%}
    {{ return(files.columns[0].values()[0] | int > 0) }}
{% endmacro %}

{#- No SQL of Spark's tells; the adapter, as src/dbt_spark_python.py extends it, asks the file system. -#}
{% macro spark__has_files(path) %}
    {{ return(adapter.find_files(path) is not none) }}
{% endmacro %}
