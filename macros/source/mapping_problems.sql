{#- Problems of a table that can be found in its YAML alone. -#}

{% macro mapping_problems(name) %}
    {%- set table = var('source')['tables'][name] -%}
    {%- set problems = [] -%}
    {%- set locations = ['seed', 'path', 'table'] | select('in', table) | list -%}
    {%- if locations | length != 1 -%}
        {%- do problems.append("`" ~ name ~ "` needs exactly one of `seed`, `path`, `table`; it has "
            ~ (locations | join(' and ') or 'none') ~ ".") -%}
    {%- elif locations[0] == 'path' and source_format(name) not in ['parquet', 'csv', 'json'] -%}
        {%- do problems.append("`" ~ name ~ "`: the ending of " ~ source_path(name)
            ~ " does not tell its format; add `format: parquet`, `csv` or `json`.") -%}
    {%- endif -%}
    {%- for key in table if key not in ['seed', 'path', 'table', 'format', 'columns'] -%}
        {%- do problems.append("`" ~ name ~ "`: `" ~ key ~ "` is not a setting of a table; see sources/template.yml.") -%}
    {%- endfor -%}
    {%- set mapping = table.get('columns') or {} -%}
    {%- set known = canonical_columns(name) | map(attribute='name') | list -%}
    {%- for canonical in mapping if canonical not in known -%}
        {%- do problems.append("`" ~ name ~ "`: `" ~ canonical ~ "` is not a canonical column; those are "
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
                ~ ", an ambiguous mapping; give exactly one column name, as text.") -%}
        {%- elif mapped is string -%}
            {%- if mapped | lower in taken -%}
                {%- do problems.append("`" ~ name ~ "`: column '" ~ mapped ~ "' is mapped twice, to `"
                    ~ taken[mapped | lower] ~ "` and to `" ~ column['name']
                    ~ "`; remove one, or write the second as {expression: ...} if you mean it.") -%}
            {%- endif -%}
            {%- do taken.update({mapped | lower: column['name']}) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(problems) }}
{% endmacro %}
