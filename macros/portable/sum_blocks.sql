{#-
    In how many blocks a sum of very many groups is computed, where `wanted` of them keep memory small. Spark divides such a
    sum by itself, and would plan and run every block.
-#}

{% macro sum_blocks(wanted) %}
    {{ return(adapter.dispatch('sum_blocks')(wanted)) }}
{% endmacro %}

{% macro duckdb__sum_blocks(wanted) %}
    {{ return(wanted) }}
{% endmacro %}

{% macro spark__sum_blocks(wanted) %}
    {{ return(1) }}
{% endmacro %}
