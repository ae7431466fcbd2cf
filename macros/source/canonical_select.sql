{#-
    The complete SQL of a staging model: every canonical column of the raw table `name`, cast to its type. A value that
    cannot be cast becomes null, and the intermediate layer accounts for it. Empty texts and columns that the source does
    not have are null. A raw table that the source does not have gives no rows.
-#}

{% macro canonical_select(name) %}
    {%- set table = var('source')['tables'].get(name) -%}
    {%- set mapping = (table or {}).get('columns', {}) -%}
    select
        {%- for column in canonical_columns(name) %}
        {%- set mapped = mapping.get(column['name']) %}
        {{ canonical_value(name, mapped, column) if mapped is not none else 'cast(null as ' ~ column['type'] ~ ')' }} as {{ column['name'] }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    {%- if table %}
    from {{ raw(name) }}
    {%- else %}
    where false
    {%- endif %}
{% endmacro %}


{#- One mapped column, or {expression: ...}, as a value of the canonical column's type. -#}

{% macro canonical_value(name, mapped, column) %}
    {%- set value = mapped_value(mapped) -%}
    {%- if column['type'] == 'string' -%}
        nullif(cast({{ value }} as string), '')
    {%- else -%}
        {%- if reads_files(name) and source_format(name) == 'csv' -%}
            {#- DuckDB 2.0 would move a bare cast into its CSV reader, where a bad value is an error and not null. -#}
            {%- set value = "nullif(" ~ value ~ ", '')" -%}
        {%- endif -%}
        {{ try_timestamp(value) if column['type'] == 'timestamp' else 'try_cast(' ~ value ~ ' as ' ~ column['type'] ~ ')' }}
    {%- endif -%}
{% endmacro %}


{#- The SQL of what a mapping names. -#}

{% macro mapped_value(mapped) %}
    {{- mapped['expression'] if mapped is mapping else adapter.quote(mapped) -}}
{% endmacro %}
