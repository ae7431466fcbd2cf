{#- A row for each text of a JSON array, in the select list. -#}

{% macro each_json_text(json) %}
    {{- adapter.dispatch('each_json_text')(json) -}}
{% endmacro %}

{% macro duckdb__each_json_text(json) -%}
    unnest(from_json({{ json }}, '["varchar"]'))
{%- endmacro %}

{% macro spark__each_json_text(json) -%}
    explode(from_json({{ json }}, 'array<string>'))
{%- endmacro %}
