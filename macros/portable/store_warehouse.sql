{#-
    Called when a run ends: writes what the database still has in its log. Otherwise it would be written when the process
    closes the file, which is after dbt has said how the run ended; a later write means that somebody changed the tables.
-#}

{% macro store_warehouse() %}
    {{- adapter.dispatch('store_warehouse')() -}}
{% endmacro %}

{% macro duckdb__store_warehouse() %}
    {%- do run_query('checkpoint') if execute -%}
{% endmacro %}

{#- Spark has written its files when a statement ends. -#}

{% macro spark__store_warehouse() %}{% endmacro %}
