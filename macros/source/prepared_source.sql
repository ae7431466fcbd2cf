{#-
    What `clientele.sources` says about the source: the mistakes of its YAML (`problems`), what its import noticed
    (`notes`), the `folder` of the import, and the `tables` in it. The import is done once; after that it costs
    milliseconds.
-#}

{% macro prepared_source() %}
    {%- set source = var('source') -%}
    {%- if source is mapping -%}
        {%- set source = dict(source, extract_date=source['extract_date'] | string if source.get('extract_date') else none) -%}
        {%- if reads_seeds_as_files() and source.get('tables') is mapping -%}
            {%- do source.update({'tables': seeds_as_files(source)}) -%}
        {%- endif -%}
    {%- endif -%}
    {%- set data = var('data', none) or env_var('CLIENTELE_DATA', '') -%}
    {{ return(fromjson(prepare_source(tojson({'source': source, 'data': data | string if data else none})))) }}
{% endmacro %}


{#- The tables of a source whose seeds are read from their files. -#}

{% macro seeds_as_files(source) %}
    {%- set tables = {} -%}
    {%- for name, table in source['tables'].items() -%}
        {%- if table is mapping and table.get('seed') -%}
            {%- set read = dict(table, path='seeds/' ~ source['name'] ~ '/' ~ table['seed'] ~ '.csv') -%}
            {%- do read.pop('seed') -%}
            {%- do tables.update({name: read}) -%}
        {%- else -%}
            {%- do tables.update({name: table}) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(tables) }}
{% endmacro %}


{#- Whether a raw table is read from the import of the source. -#}

{% macro is_imported(name) %}
    {{ return(execute and name in prepared_source()['tables']) }}
{% endmacro %}
