{#-
    The complete SQL of a staging model: every canonical column of the raw table `name`, cast to its type. A value that
    cannot be cast becomes null, and the intermediate layer accounts for it. Empty texts and columns that the source does
    not have are null. A raw table that the source does not have gives no rows. Imported tables are canonical already;
    `order_totals` is made by the import only.
-#}

{% macro canonical_select(name) %}
    {%- set table = var('source')['tables'].get(name) -%}
    {%- set imported = is_imported(name) -%}
    {#- The parser does not know yet what is imported; the lineage needs the table in any case. -#}
    {%- do source('raw', name) if name == 'order_totals' -%}
    select
        {%- for column in canonical_columns(name) %}
        {{ column['name'] if imported else canonical_column(name, table or {}, column) }}
        {{- ',' if not loop.last or name in ['order_lines', 'events'] }}
        {%- endfor %}
    {%- if name == 'order_lines' %}
        {%- if imported %}
        reject_reason,
        exclude_reason
        {%- else %}
        {%- set reason = exclude_reason(table) %}
        cast({{ "case when " ~ reason ~ " is not null then 'excluded' end" if table.get('exclude') else 'null' }} as string)
            as reject_reason,
        cast({{ reason }} as string) as exclude_reason
        {%- endif %}
    {%- endif %}
    {%- if name == 'events' %}
        {{ 'reject_reason' if imported else 'cast(null as string) as reject_reason' }}
    {%- endif %}
    {%- if table or imported %}
    from {{ raw(name) }}
    {%- else %}
    where false
    {%- endif %}
{% endmacro %}


{#- One canonical column of a raw table that SQL reads where it is, with its name. -#}

{% macro canonical_column(name, table, column) %}
    {%- set mapping = mapping_of(name) -%}
    {%- set mapped = mapping.get(column['name']) -%}
    {%- if mapped is not none -%}
        {{ canonical_value(name, mapped, column) }} as {{ column['name'] }}
    {%- elif column['name'] == 'quantity' -%}
        cast(1 as {{ column['type'] }}) as quantity
    {%- elif column['name'] == 'line_amount' and mapping.get('unit_price') is mapping and mapping.get('quantity') -%}
        {#- A computed price may have more decimals than are kept, and would not give the line's amount. -#}
        try_cast({{ mapped_value(mapping['quantity']) }} * ({{ mapped_value(mapping['unit_price']) }}) as {{ column['type'] }}) as line_amount
    {%- else -%}
        cast(null as {{ column['type'] }}) as {{ column['name'] }}
    {%- endif -%}
{% endmacro %}


{#- One mapped column, or {expression: ...}, as a value of the canonical column's type. -#}

{% macro canonical_value(name, mapped, column) %}
    {%- set value = mapped_value(mapped) -%}
    {%- if column['name'] == 'currency' -%}
        nullif(upper(trim(cast({{ value }} as string))), '')
    {%- elif column['name'] == 'campaign_id' -%}
        {#- As it is written: only then can a reader of one campaign leave out the files of the others. -#}
        cast({{ value }} as string)
    {%- elif column['kind'] == 'key' -%}
        {#- Words that programs write for nothing would be a customer of that name. -#}
        {#- Most keys are longer and have no space to trim: the first test is cheap, where a filter trims again for each word. -#}
        {#- Not `in`: DuckDB makes a join of a longer list, which every reader of the view then pays for. #}
        case
            when length(cast({{ value }} as string)) > 4
                and not cast({{ value }} as string) like ' %' and not cast({{ value }} as string) like '% '
                then cast({{ value }} as string)
            {%- for word in ['', 'NULL', 'null', 'nan', 'NaN', 'None'] %}
            when trim(cast({{ value }} as string)) = '{{ word }}' then null
            {%- endfor %}
            else trim(cast({{ value }} as string))
        end
    {%- elif column['type'] == 'string' -%}
        nullif(cast({{ value }} as string), '')
    {%- elif column['type'] == 'timestamp' -%}
        {{ try_timestamp(value) }}
    {%- else -%}
        try_cast({{ value }} as {{ column['type'] }})
    {%- endif -%}
{% endmacro %}


{#- The SQL of what a mapping names. -#}

{% macro mapped_value(mapped) %}
    {%- if mapped is mapping -%}
        {{- quoted_names(mapped['expression']) -}}
    {%- elif mapped is string -%}
        {{- adapter.quote(mapped) -}}
    {%- else -%}
        {#- The first that is not empty. -#}
        coalesce({% for part in mapped %}nullif(trim(cast({{ adapter.quote(part) }} as string)), ''){{ ', ' if not loop.last }}{% endfor %})
    {%- endif -%}
{% endmacro %}


{#- The SQL of why a raw line is excluded, by the conditions of the table's `exclude`; null if it is not. -#}

{% macro exclude_reason(table) %}
    {%- set rules = table.get('exclude') or [] -%}
    {%- if rules -%}
        case
            {%- for rule in rules %} when {{ quoted_names(rule['when']) }} then {{ text_literal(rule.get('reason') or rule['when']) }}{% endfor %} end
    {%- else -%}
        null
    {%- endif -%}
{% endmacro %}
