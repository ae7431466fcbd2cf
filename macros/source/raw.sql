{#-
    The only access to raw data. Renders the text after `from` for the raw table `name` of the source (`order_lines`,
    `products`), whether it is a seed, files, or a table of the database.
-#}

{% macro raw(name) %}
    {%- set table = var('source')['tables'][name] -%}
    {%- if table.get('seed') and not reads_files(name) -%}
        {{ ref(table['seed']) }}
    {%- else -%}
        {#- The source's name keeps the lineage; its YAML states where the data are. -#}
        {%- do source('raw', name) -%}
        {{ raw_location(name) }}
    {%- endif -%}
{% endmacro %}


{#- The SQL of `raw` for a table that is not a seed in the database. -#}

{% macro raw_location(name) %}
    {%- set table = var('source')['tables'][name] -%}
    {%- if reads_files(name) -%}
        {{- read_files(name, source_path(name), source_format(name)) -}}
    {%- else -%}
        {{- table['table'] -}}
    {%- endif -%}
{% endmacro %}


{#- Whether a raw table is read from files. -#}

{% macro reads_files(name) %}
    {%- set table = var('source')['tables'][name] -%}
    {{ return('path' in table or ('seed' in table and reads_seeds_as_files())) }}
{% endmacro %}


{#- The path or glob of a raw table, with {data} replaced; for a seed, its file. -#}

{% macro source_path(name) %}
    {%- set table = var('source')['tables'][name] -%}
    {%- set data = var('data', none) or env_var('CLIENTELE_DATA', '') or var('source').get('data', '') -%}
    {%- set path = table.get('path') or 'seeds/' ~ var('source')['name'] ~ '/' ~ table['seed'] ~ '.csv' -%}
    {{- path | replace('{data}', data | string) -}}
{% endmacro %}


{#- parquet, csv or json: from the source's YAML, or else from the path's suffix; empty if unknown. -#}

{% macro source_format(name) %}
    {%- set endings = {
        'parquet': 'parquet', 'csv': 'csv', 'tsv': 'csv', 'txt': 'csv',
        'json': 'json', 'jsonl': 'json', 'ndjson': 'json'
    } -%}
    {%- set path = source_path(name) | lower | replace('.gz', '') | replace('.zst', '') -%}
    {{- var('source')['tables'][name].get('format') or endings.get(path.split('.') | last, '') -}}
{% endmacro %}
