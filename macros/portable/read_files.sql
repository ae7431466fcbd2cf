{#- A table expression over the Parquet files of a raw table. -#}

{% macro read_files(name, path) %}
    {{- adapter.dispatch('read_files')(name, path) -}}
{% endmacro %}

{% macro duckdb__read_files(name, path) %}
    {{- "read_parquet(" ~ text_literal(path) ~ ", union_by_name = true)" -}}
{% endmacro %}

{#- Spark reads files with options only through a table; see `register_files`. -#}
{% macro spark__read_files(name, path) -%}
    raw.{{ name }}
{%- endmacro %}


{#- Makes files readable by `read_files`, at the start of a run. -#}

{% macro register_files(name, path) %}
    {{- adapter.dispatch('register_files')(name, path) -}}
{% endmacro %}

{% macro duckdb__register_files(name, path) %}{% endmacro %}

{% macro spark__register_files(name, path) %}
    {%- do run_query("create schema if not exists raw") -%}
    {%- do run_query("drop table if exists raw." ~ name) -%}
    {%- do run_query(
        "create table raw." ~ name ~ " using parquet options (path " ~ text_literal(adapter.find_files(path))
        ~ ", mergeSchema 'true')"
    ) -%}
{% endmacro %}


{#- Whether a seed with raw data is read from its file instead of being loaded into the database first. -#}

{% macro reads_seeds_as_files() %}
    {{ return(adapter.dispatch('reads_seeds_as_files')()) }}
{% endmacro %}

{% macro duckdb__reads_seeds_as_files() %}{{ return(false) }}{% endmacro %}

{#- dbt writes seeds as literals, which is slow for raw data. -#}
{% macro spark__reads_seeds_as_files() %}{{ return(true) }}{% endmacro %}
