{#- A table expression over the files of a raw table; `format` is parquet, csv or json. -#}

{% macro read_files(name, path, format) %}
    {{- adapter.dispatch('read_files')(name, path, format) -}}
{% endmacro %}

{% macro duckdb__read_files(name, path, format) %}
    {%- if format == 'parquet' -%}
        read_parquet({{ text_literal(path) }}, union_by_name = true)
    {%- elif format == 'csv' -%}
        {#- All text: sniffing would turn the key '00123' into 123. -#}
        read_csv({{ text_literal(path) }}, header = true, all_varchar = true, union_by_name = true)
    {%- else -%}
        read_json({{ text_literal(path) }}, union_by_name = true)
    {%- endif -%}
{% endmacro %}

{#- Spark reads files with options only through a table; see `register_files`. -#}
{% macro spark__read_files(name, path, format) -%}
    raw.{{ name }}
{%- endmacro %}


{#- Makes files readable by `read_files`, at the start of a run. -#}

{% macro register_files(name, path, format) %}
    {{- adapter.dispatch('register_files')(name, path, format) -}}
{% endmacro %}

{% macro duckdb__register_files(name, path, format) %}{% endmacro %}

{% macro spark__register_files(name, path, format) %}
    {%- set options = {
        'parquet': "mergeSchema 'true'",
        'csv': "header 'true', escape '\"', multiLine 'true', mode 'FAILFAST', enforceSchema 'false'",
        'json': "mode 'FAILFAST'",
    } -%}
    {%- do run_query("create schema if not exists raw") -%}
    {%- do run_query("drop table if exists raw." ~ name) -%}
    {%- do run_query(
        "create table raw." ~ name ~ " using " ~ format
        ~ " options (path " ~ text_literal(adapter.find_files(path)) ~ ", " ~ options[format] ~ ")"
    ) -%}
{% endmacro %}


{#- Whether a seed with raw data is read from its file instead of being loaded into the database first. -#}

{% macro reads_seeds_as_files() %}
    {{ return(adapter.dispatch('reads_seeds_as_files')()) }}
{% endmacro %}

{% macro duckdb__reads_seeds_as_files() %}{{ return(false) }}{% endmacro %}

{#- dbt writes seeds as literals, which is slow for raw data. -#}
{% macro spark__reads_seeds_as_files() %}{{ return(true) }}{% endmacro %}
