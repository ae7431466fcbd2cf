{#- Names of the tables in the schema `raw`, as a list. -#}

{% macro raw_tables() %}
    {{ return(adapter.dispatch('raw_tables')()) }}
{% endmacro %}

{% macro duckdb__raw_tables() %}
    {{ return(run_query("select table_name from duckdb_tables() where schema_name = 'raw'").columns[0].values() | list) }}
{% endmacro %}

{% macro spark__raw_tables() %}
    {%- do run_query("create schema if not exists raw") -%}
    {{ return(run_query("show tables in raw").columns[1].values() | list) }}
{% endmacro %}
