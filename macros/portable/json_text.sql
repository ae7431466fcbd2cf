{#- A member of a JSON object as text; null where it is not there, or the whole is no JSON. -#}

{% macro json_text(json, key) %}
    {{- adapter.dispatch('json_text')(json, key) -}}
{% endmacro %}

{% macro duckdb__json_text(json, key) -%}
    case when json_valid({{ json }}) then json_extract_string({{ json }}, '$.{{ key }}') end
{%- endmacro %}

{% macro spark__json_text(json, key) -%}
    get_json_object({{ json }}, '$.{{ key }}')
{%- endmacro %}
