{#- Whether the source has the table `reviews`. What is about reviews is built only then. -#}

{% macro has_reviews() %}
    {%- set source = var('source') -%}
    {%- set tables = source.get('tables') if source is mapping else none -%}
    {{ return((tables or {}).get('reviews') is mapping) }}
{% endmacro %}
