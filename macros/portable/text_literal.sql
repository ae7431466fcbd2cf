{#- Any text as a literal of the engine's SQL, quotes and backslashes kept. -#}

{% macro text_literal(text) %}
    {{- adapter.dispatch('text_literal')(text | string) -}}
{% endmacro %}

{% macro duckdb__text_literal(text) -%}
    '{{ text | replace("'", "''") }}'
{%- endmacro %}

{% macro spark__text_literal(text) -%}
    '{{ text | replace("\\", "\\\\") | replace("'", "\\'") }}'
{%- endmacro %}
