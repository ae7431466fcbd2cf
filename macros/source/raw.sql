{#-
    The only access to raw data. Renders the text after `from` for the raw table `name` of the source (`order_lines`,
    `products`), whether it is a seed, imported, Parquet files, or a table of the database.
-#}

{% macro raw(name) %}
    {%- set table = var('source')['tables'].get(name) or {} -%}
    {%- if table.get('seed') and not reads_seeds_as_files() -%}
        {{ ref(table['seed']) }}
    {%- else -%}
        {#- The source's name keeps the lineage; its YAML states where the data are. -#}
        {%- do source('raw', name) -%}
        {{ raw_location(name) if execute }}
    {%- endif -%}
{% endmacro %}


{#- The SQL of `raw` for a table that is not a seed in the database. -#}

{% macro raw_location(name) %}
    {%- if 'table' in (var('source')['tables'].get(name) or {}) -%}
        {{- var('source')['tables'][name]['table'] -}}
    {%- else -%}
        {{- read_files(name, raw_path(name)) -}}
    {%- endif -%}
{% endmacro %}


{#- The path or glob of the Parquet files of a raw table: its import, or the source's own files with {data} replaced. -#}

{% macro raw_path(name) %}
    {%- set prepared = prepared_source() -%}
    {%- if name in prepared['tables'] -%}
        {{- prepared['folder'] ~ '/' ~ name ~ '.parquet' -}}
    {%- else -%}
        {%- set data = var('data', none) or env_var('CLIENTELE_DATA', '') or var('source').get('data', '') -%}
        {{- var('source')['tables'][name]['path'] | replace('{data}', data | string) -}}
    {%- endif -%}
{% endmacro %}
