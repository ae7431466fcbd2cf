{#- What two spellings of a customer's id have in common: case, blanks, Unicode form and a `.0` left out. -#}

{% macro same_person(value) %}
    {{- adapter.dispatch('same_person')(value) -}}
{% endmacro %}

{% macro duckdb__same_person(value) -%}
    lower(nfc_normalize(regexp_replace(trim(regexp_replace({{ value }}, '[\s\x{00A0}\x{2007}\x{2009}\x{202F}\x{FEFF}]+', ' ', 'g')), '^(-?\d+)\.0+$', '\1')))
{%- endmacro %}

{#- Spark compares Unicode forms by a collation. -#}
{% macro spark__same_person(value) -%}
    collate(lower(regexp_replace(trim(regexp_replace({{ value }}, '[\\s\\x{00A0}\\x{2007}\\x{2009}\\x{202F}\\x{FEFF}]+', ' ')), '^(-?\\d+)\\.0+$', '$1')), 'UNICODE')
{%- endmacro %}
