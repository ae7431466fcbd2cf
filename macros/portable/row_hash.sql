{#- A 64-bit hash of several columns: equal rows have equal hashes, different rows rarely do. It differs between engines. -#}

{% macro row_hash(columns) %}
    {{- adapter.dispatch('row_hash')(columns) -}}
{% endmacro %}

{% macro duckdb__row_hash(columns) -%}
    hash({{ columns | join(', ') }})
{%- endmacro %}

{% macro spark__row_hash(columns) -%}
    xxhash64({{ columns | join(', ') }})
{%- endmacro %}
