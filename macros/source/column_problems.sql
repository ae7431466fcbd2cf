{#- Problems of the mapped columns: missing, ambiguous, or of an unsuitable type. -#}

{% macro column_problems(name, place, columns) %}
    {%- set problems = [] -%}
    {%- set mapping = mapping_of(name) -%}
    {%- for column in canonical_columns(name) -%}
        {%- set mapped = mapping.get(column['name']) -%}
        {%- if mapped is string -%}
            {%- set exact = columns | selectattr('name', 'equalto', mapped) | list -%}
            {%- set same = [] -%}
            {%- for given in columns if given['name'] | lower in [mapped | lower, mapped | lower ~ '_1'] -%}
                {%- do same.append(given['name']) -%}
            {%- endfor -%}
            {%- if same | length > 1 -%}
                {%- do problems.append("`" ~ name ~ "`: '" ~ mapped ~ "' for `" ~ column['name'] ~ "` is ambiguous in " ~ place
                    ~ ", which has " ~ same | join(' and ') ~ "; rename one, or write {expression: ...} to choose.") -%}
            {%- elif not exact -%}
                {%- do problems.append("`" ~ name ~ "`: no column '" ~ mapped ~ "' for `" ~ column['name'] ~ "` in " ~ place
                    ~ (("; did you mean '" ~ same[0] ~ "'?") if same
                       else ("; it has " ~ columns | map(attribute='name') | join(', ') ~ "."))) -%}
            {%- elif not type_fits(exact[0]['type'], column['kind']) -%}
                {%- do problems.append("`" ~ name ~ "`: column '" ~ mapped ~ "' for `" ~ column['name'] ~ "` in " ~ place ~ " is "
                    ~ exact[0]['type'] ~ ", not a " ~ column['kind'] ~ "; map another, or convert it with {expression: ...}.") -%}
            {%- elif column['kind'] == 'timestamp' and 'TIME ZONE' in exact[0]['type'] and to_utc('x', var('source')['timezone']) | trim != 'x' -%}
                {%- do problems.append(own_zone(name, mapped)) -%}
            {%- endif -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(problems) }}
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
