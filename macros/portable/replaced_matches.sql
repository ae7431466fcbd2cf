{#- A text with every match of a regular expression replaced by another text; `value` is SQL, the others are words. -#}

{% macro replaced_matches(value, pattern, replacement) %}
    {{- adapter.dispatch('replaced_matches')(value, pattern, replacement) -}}
{% endmacro %}

{% macro duckdb__replaced_matches(value, pattern, replacement) -%}
    regexp_replace({{ value }}, {{ text_literal(pattern) }}, {{ text_literal(replacement) }}, 'g')
{%- endmacro %}

{% macro spark__replaced_matches(value, pattern, replacement) -%}
    regexp_replace({{ value }}, {{ text_literal(pattern) }}, {{ text_literal(replacement) }})
{%- endmacro %}


{#- A text in which a letter and its accent are one character. Spark has no such function; such addresses are rare. -#}

{% macro composed_text(value) %}
    {{- adapter.dispatch('composed_text')(value) -}}
{% endmacro %}

{% macro duckdb__composed_text(value) -%}
    nfc_normalize({{ value }})
{%- endmacro %}

{% macro spark__composed_text(value) -%}
    {{ value }}
{%- endmacro %}
