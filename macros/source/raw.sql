{#-
    The one door for raw data. Renders what stands after `from` for the raw table `name` of the
    source (`order_lines`, `products`), wherever it is: a seed, files, or a table of the database.
-#}

{% macro raw(name) %}
    {%- set table = var('source')['tables'][name] -%}
    {%- if table.get('seed') -%}
        {{ ref(table['seed']) }}
    {%- else -%}
        {#- Naming the source keeps the lineage; where it lies is the YAML's to say. -#}
        {%- do source('raw', name) -%}
        {{ raw_location(name) }}
    {%- endif -%}
{% endmacro %}


{#- What `raw` renders for a table that is no seed. -#}

{% macro raw_location(name) %}
    {%- set table = var('source')['tables'][name] -%}
    {%- if table.get('table') -%}
        {{ table['table'] }}
    {%- else -%}
        {{ read_files(source_path(name), source_format(name)) }}
    {%- endif -%}
{% endmacro %}


{#- The path or glob of a raw table, with {data} replaced. -#}

{% macro source_path(name) %}
    {%- set data = var('data', none) or env_var('CLIENTELE_DATA', '') or var('source').get('data', '') -%}
    {{- var('source')['tables'][name]['path'] | replace('{data}', data | string) -}}
{% endmacro %}


{#- parquet, csv or json: as the source says, else by the path's ending; empty where unknown. -#}

{% macro source_format(name) %}
    {%- set endings = {
        'parquet': 'parquet', 'csv': 'csv', 'tsv': 'csv', 'txt': 'csv',
        'json': 'json', 'jsonl': 'json', 'ndjson': 'json'
    } -%}
    {%- set path = source_path(name) | lower | replace('.gz', '') | replace('.zst', '') -%}
    {{- var('source')['tables'][name].get('format') or endings.get(path.split('.') | last, '') -}}
{% endmacro %}
