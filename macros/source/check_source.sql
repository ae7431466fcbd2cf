{#-
    Stops the run before anything is built if the source does not match its YAML. The message lists every mistake, each
    with how to fix it. Also available as `dbt run-operation check_source`.
-#}

{% macro check_source() %}
    {%- if execute -%}
        {%- set problems = source_problems() -%}
        {%- if problems -%}
            {%- do exceptions.raise_compiler_error(
                "source '" ~ (var('source') or {}).get('name', '?') ~ "' cannot be read; nothing was built.\n- "
                ~ problems | join("\n- ")
            ) -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}


{% macro source_problems() %}
    {%- set source = var('source') -%}
    {%- if source is not mapping or source.get('tables') is not mapping or not source['tables'].get('order_lines') -%}
        {{ return(["the var `source` must hold `tables: order_lines:`; start from sources/template.yml."]) }}
    {%- endif -%}
    {%- set problems = [] -%}
    {%- for key in source if key not in ['name', 'data', 'timezone', 'currency', 'currencies', 'extract_date', 'tables', 'rules'] -%}
        {%- do problems.append("`" ~ key ~ "` is no setting of a source; see sources/template.yml.") -%}
    {%- endfor -%}
    {%- for key in ['name', 'timezone', 'currency'] if not source.get(key) -%}
        {%- do problems.append("`" ~ key ~ "` is missing; see sources/template.yml.") -%}
    {%- endfor -%}
    {%- for rule in source.get('rules') or {} if rule not in ['cancellation_order_pattern', 'adjustment_order_pattern'] -%}
        {%- do problems.append("rule `" ~ rule ~ "` is unknown; see sources/template.yml.") -%}
    {%- endfor -%}
    {%- for name in source['tables'] -%}
        {%- if name not in canonical_columns(none) -%}
            {%- do problems.append("table `" ~ name ~ "` is unknown; clientele reads "
                ~ canonical_columns(none) | join(', ') ~ ".") -%}
        {%- else -%}
            {%- do problems.extend(mapping_problems(name)) -%}
            {%- if not problems -%}{%- do problems.extend(data_problems(name)) -%}{%- endif -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(problems) }}
{% endmacro %}


{#- What can be said of a table's YAML alone. -#}

{% macro mapping_problems(name) %}
    {%- set table = var('source')['tables'][name] -%}
    {%- set problems = [] -%}
    {%- set locations = ['seed', 'path', 'table'] | select('in', table) | list -%}
    {%- if locations | length != 1 -%}
        {%- do problems.append("`" ~ name ~ "` needs exactly one of `seed`, `path`, `table`; it has "
            ~ (locations | join(' and ') or 'none') ~ ".") -%}
    {%- elif locations[0] == 'path' and source_format(name) not in ['parquet', 'csv', 'json'] -%}
        {%- do problems.append("`" ~ name ~ "`: the format of " ~ source_path(name)
            ~ " is not told by its ending; say `format: parquet`, `csv` or `json`.") -%}
    {%- endif -%}
    {%- for key in table if key not in ['seed', 'path', 'table', 'format', 'columns'] -%}
        {%- do problems.append("`" ~ name ~ "`: `" ~ key ~ "` is no setting of a table; see sources/template.yml.") -%}
    {%- endfor -%}
    {%- set mapping = table.get('columns') or {} -%}
    {%- set known = canonical_columns(name) | map(attribute='name') | list -%}
    {%- for canonical in mapping if canonical not in known -%}
        {%- do problems.append("`" ~ name ~ "`: `" ~ canonical ~ "` is no canonical column; they are "
            ~ known | join(', ') ~ ".") -%}
    {%- endfor -%}
    {%- set taken = {} -%}
    {%- for column in canonical_columns(name) -%}
        {%- set mapped = mapping.get(column['name']) -%}
        {%- if mapped is none and column['required'] -%}
            {%- do problems.append("`" ~ name ~ "`: `" ~ column['name'] ~ "` is not mapped; add `"
                ~ column['name'] ~ ": <your column>` under `columns`.") -%}
        {%- elif mapped is mapping and (mapped | list != ['expression'] or not mapped['expression']) -%}
            {%- do problems.append("`" ~ name ~ "`: `" ~ column['name']
                ~ "` must be a column name or {expression: \"<SQL over your columns>\"}, in quotes if it holds a comma.") -%}
        {%- elif mapped is not none and mapped is not mapping and mapped is not string -%}
            {%- do problems.append("`" ~ name ~ "`: `" ~ column['name'] ~ "` is mapped to " ~ mapped
                ~ "; an ambiguous mapping: give exactly one column name, as text.") -%}
        {%- elif mapped is string -%}
            {%- if mapped | lower in taken -%}
                {%- do problems.append("`" ~ name ~ "`: column '" ~ mapped ~ "' is mapped twice, to `"
                    ~ taken[mapped | lower] ~ "` and to `" ~ column['name']
                    ~ "`; drop one, or write the second as {expression: ...} if that is meant.") -%}
            {%- endif -%}
            {%- do taken.update({mapped | lower: column['name']}) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(problems) }}
{% endmacro %}


{#- What only the data can tell: is it there, has it rows, has it the columns, do they read as their type. -#}

{% macro data_problems(name) %}
    {%- set table = var('source')['tables'][name] -%}
    {%- if table.get('seed') and not reads_files(name) -%}
        {#- dbt loads seeds in this very run, and stops where one is missing. -#}
        {{ return([]) }}
    {%- endif -%}
    {%- set place = table.get('table') or source_path(name) -%}
    {%- if reads_files(name) and not has_files(place) -%}
        {{ return(["`" ~ name ~ "`: no file at " ~ place
            ~ "; set DATA (CLIENTELE_DATA with plain dbt) or `path`; a relative path starts at the project's folder."]) }}
    {%- endif -%}
    {%- if table.get('table') and not table_exists(place) -%}
        {{ return(["`" ~ name ~ "`: no table " ~ place ~ " in the database; write `table: <schema>.<table>`."]) }}
    {%- endif -%}
    {%- if reads_files(name) -%}
        {%- do register_files(name, place, source_format(name)) -%}
    {%- endif -%}
    {%- set location = raw_location(name) -%}
    {%- set columns = describe_columns(location) -%}
    {%- set problems = [] -%}
    {%- set mapping = table['columns'] -%}
    {%- for column in canonical_columns(name) -%}
        {%- set mapped = mapping.get(column['name']) -%}
        {%- if mapped is string -%}
            {%- set exact = columns | selectattr('name', 'equalto', mapped) | list -%}
            {%- set alike = [] -%}
            {%- for found in columns if found['name'] | lower in [mapped | lower, mapped | lower ~ '_1'] -%}
                {%- do alike.append(found['name']) -%}
            {%- endfor -%}
            {%- if alike | length > 1 -%}
                {%- do problems.append("`" ~ name ~ "`: '" ~ mapped ~ "' for `" ~ column['name'] ~ "` is ambiguous in " ~ place
                    ~ ", which has " ~ alike | join(' and ') ~ "; rename one, or write {expression: ...} to choose.") -%}
            {%- elif not exact -%}
                {%- do problems.append("`" ~ name ~ "`: no column '" ~ mapped ~ "' for `" ~ column['name'] ~ "` in " ~ place
                    ~ (("; did you mean '" ~ alike[0] ~ "'?") if alike
                       else ("; it has " ~ columns | map(attribute='name') | join(', ') ~ "."))) -%}
            {%- elif not type_fits(exact[0]['type'], column['kind']) -%}
                {%- do problems.append("`" ~ name ~ "`: column '" ~ mapped ~ "' for `" ~ column['name'] ~ "` in " ~ place ~ " is "
                    ~ exact[0]['type'] ~ ", not a " ~ column['kind'] ~ "; map another, or convert it with {expression: ...}.") -%}
            {%- elif column['kind'] == 'timestamp' and 'TIME ZONE' in exact[0]['type'] and to_utc('x', var('source')['timezone']) | trim != 'x' -%}
                {%- do problems.append(own_zone(name, mapped)) -%}
            {%- endif -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if problems -%}{{ return(problems) }}{%- endif -%}
    {%- if run_query("select 1 from " ~ location ~ " limit 1").rows | length == 0 -%}
        {{ return(["`" ~ name ~ "`: " ~ place ~ " has no rows; an empty source is refused so that it cannot empty the marts."]) }}
    {%- endif -%}
    {{ return(value_problems(name, location, place)) }}
{% endmacro %}


{#- Columns of the right type, or text, none of whose values read as what they should, or whose times bear a zone. -#}

{% macro value_problems(name, location, place) %}
    {%- set mapping = var('source')['tables'][name]['columns'] -%}
    {%- set typed = [] -%}
    {%- for column in canonical_columns(name) if column['type'] != 'string' and mapping.get(column['name']) is not none -%}
        {%- do typed.append(column) -%}
    {%- endfor -%}
    {%- if not typed -%}{{ return([]) }}{%- endif -%}
    {%- set zone = text_literal(':[0-9]{2}([.][0-9]+)? *(Z|[+-][0-9]{2}(:?[0-9]{2})?)$') -%}
    {%- set query -%}
        select
            {%- for column in typed %}
            count({{ mapped_value(mapping[column['name']]) }}) as given_{{ loop.index }},
            count({{ canonical_value(name, mapping[column['name']], column) }}) as read_{{ loop.index }},
            {%- if column['type'] == 'timestamp' %}
            count(case when {{ matches('cast(' ~ mapped_value(mapping[column['name']]) ~ ' as string)', zone) }} then 1 end)
            {%- else %}
            0
            {%- endif %} as zoned_{{ loop.index }}
            {{- ',' if not loop.last }}
            {%- endfor %}
        from (select * from {{ location }} limit 100000) as head
    {%- endset -%}
    {%- set counts = run_query(query).rows[0] -%}
    {%- set problems = [] -%}
    {%- for column in typed -%}
        {%- set given = counts[3 * loop.index0] | int -%}
        {%- if counts[3 * loop.index0 + 1] | int == 0 and (given > 0 or column['required']) -%}
            {%- do problems.append("`" ~ name ~ "`: " ~ mapping[column['name']] ~ " for `" ~ column['name'] ~ "` in " ~ place
                ~ " has " ~ given ~ " values and none reads as a " ~ column['kind']
                ~ "; map another column, or convert it with {expression: ...}.") -%}
        {%- elif counts[3 * loop.index0 + 2] | int > 0 and to_utc('x', var('source')['timezone']) | trim != 'x' -%}
            {%- do problems.append(own_zone(name, mapping[column['name']])) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(problems) }}
{% endmacro %}


{#- The words for times that are no local ones. -#}

{% macro own_zone(name, mapped) %}
    {{- "`" ~ name ~ "`: column '" ~ mapped ~ "' carries its own time zone; set `timezone: UTC`." -}}
{% endmacro %}


{#- Whether a database type can hold values of a canonical kind; text can hold any. -#}

{% macro type_fits(type, kind) %}
    {%- set base = type.split('(')[0] | trim -%}
    {%- set whole = ['TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'HUGEINT', 'UTINYINT', 'USMALLINT', 'UINTEGER', 'UBIGINT', 'UHUGEINT', 'INT'] -%}
    {%- set fits = {
        'key': whole + ['DECIMAL', 'UUID'],
        'text': whole + ['DECIMAL', 'UUID', 'DOUBLE', 'FLOAT', 'BOOLEAN', 'DATE', 'ENUM'],
        'number': whole + ['DECIMAL', 'DOUBLE', 'FLOAT'],
        'timestamp': ['TIMESTAMP', 'TIMESTAMP WITH TIME ZONE', 'TIMESTAMP_NS', 'TIMESTAMP_MS', 'TIMESTAMP_S', 'DATE'],
    } -%}
    {{ return(not type.endswith('[]') and base in fits[kind] + ['VARCHAR', 'STRING']) }}
{% endmacro %}


{#- Whether `schema.table` is a table or view of the database. -#}

{% macro table_exists(name) %}
    {%- set parts = name.split('.') -%}
    {%- set found = adapter.get_relation(
        database=parts[-3] if parts | length > 2 else target.database,
        schema=parts[-2] if parts | length > 1 else target.schema,
        identifier=parts[-1]
    ) -%}
    {{ return(found is not none) }}
{% endmacro %}
