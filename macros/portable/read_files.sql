{#- A table expression over the files at a path or glob; `format` is parquet, csv or json. -#}

{% macro read_files(path, format) %}
    {{ return(adapter.dispatch('read_files')(path, format)) }}
{% endmacro %}

{% macro duckdb__read_files(path, format) %}
    {%- set literal = dbt.string_literal(path | replace("'", "''")) -%}
    {%- if format == 'parquet' -%}
        read_parquet({{ literal }}, union_by_name = true)
    {%- elif format == 'csv' -%}
        {#- All text: sniffing would turn the key '00123' into 123. -#}
        read_csv({{ literal }}, header = true, all_varchar = true, union_by_name = true)
    {%- else -%}
        read_json({{ literal }}, union_by_name = true)
    {%- endif -%}
{% endmacro %}
