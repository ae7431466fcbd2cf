{#- Problems that can be found only in the data: no files or table, no rows, missing columns, values of another type. -#}

{% macro data_problems(name) %}
    {%- set table = var('source')['tables'][name] -%}
    {%- if name == 'order_lines' -%}
        {%- do forget_settled_keys() -%}
    {%- endif -%}
    {%- if is_imported(name) -%}
        {%- do register_files(name, raw_path(name)) -%}
        {{ return([]) }}
    {%- endif -%}
    {%- if table.get('seed') -%}
        {#- dbt loads seeds in this run, and stops if one is missing. -#}
        {{ return([]) }}
    {%- endif -%}
    {%- set place = table.get('table') or raw_path(name) -%}
    {%- if table.get('path') and not has_files(place) -%}
        {{ return(["`" ~ name ~ "`: no file at " ~ place
            ~ "; set DATA (CLIENTELE_DATA with plain dbt) or `path`; a relative path starts at the project's folder."]) }}
    {%- endif -%}
    {%- if table.get('table') and not table_exists(place) -%}
        {{ return(["`" ~ name ~ "`: no table " ~ place ~ " in the database; write `table: <schema>.<table>`."]) }}
    {%- endif -%}
    {%- if table.get('path') -%}
        {%- do register_files(name, place) -%}
    {%- endif -%}
    {%- set location = raw_location(name) -%}
    {%- set problems = column_problems(name, place, describe_columns(location)) -%}
    {%- if problems -%}{{ return(problems) }}{%- endif -%}
    {%- if run_query("select 1 from " ~ location ~ " limit 1").rows | length == 0 -%}
        {{ return(["`" ~ name ~ "`: " ~ place ~ " has no rows; an empty source is refused because it would empty the marts."]) }}
    {%- endif -%}
    {%- set problems = value_problems(name, location, place) -%}
    {%- if name == 'order_lines' and not problems -%}
        {%- for note in settle_keys(location) -%}
            {%- do log('source: ' ~ note, info=true) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(problems) }}
{% endmacro %}


{#- Whether `schema.table` is a table or view of the database. -#}

{% macro table_exists(name) %}
    {%- set parts = name.split('.') -%}
    {%- set relation = adapter.get_relation(
        database=parts[-3] if parts | length > 2 else target.database,
        schema=parts[-2] if parts | length > 1 else target.schema,
        identifier=parts[-1]
    ) -%}
    {{ return(relation is not none) }}
{% endmacro %}
