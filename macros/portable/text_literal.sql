{#- A text as an SQL literal of the engine; quotes and backslashes are preserved. -#}

{% macro text_literal(text) %}
    {{- adapter.dispatch('text_literal')(text | string) -}}
{% endmacro %}

{% macro duckdb__text_literal(text) -%}
    '{{ text | replace("'", "''") }}'
{%- endmacro %}

{% macro spark__text_literal(text) -%}
    '{{ text | replace("\\", "\\\\") | replace("'", "\\'") }}'
{%- endmacro %}
