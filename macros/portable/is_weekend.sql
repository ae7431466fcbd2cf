{#- Whether a date is a Saturday or a Sunday: engines number the days of the week differently. -#}

{% macro is_weekend(date) %}
    {{- adapter.dispatch('is_weekend')(date) -}}
{% endmacro %}

{% macro duckdb__is_weekend(date) -%}
    extract(isodow from {{ date }}) >= 6
{%- endmacro %}

{% macro spark__is_weekend(date) -%}
    weekday({{ date }}) >= 5
{%- endmacro %}
