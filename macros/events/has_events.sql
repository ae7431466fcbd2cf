{#- Whether the source has the table `events`. What is about visits is built only then. -#}

{% macro has_events() %}
    {%- set source = var('source') -%}
    {%- set tables = source.get('tables') if source is mapping else none -%}
    {{ return((tables or {}).get('events') is mapping) }}
{% endmacro %}
