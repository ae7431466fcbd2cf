{#-
    Called when a run ends. Drops what the adapter leaves behind: a table of new rows for each incremental Python model. Then
    writes what the database still has in its log; otherwise it would be written when the process closes the file, which is
    after dbt has said how the run ended, and a later write means that someone changed the tables.
-#}

{% macro store_warehouse() %}
    {{- adapter.dispatch('store_warehouse')() -}}
{% endmacro %}

{% macro duckdb__store_warehouse() %}
    {%- if execute -%}
        {%- set left = run_query(
            "select concat('drop table \"', schema_name, '\".\"', table_name, '\"; ') from duckdb_tables() "
            ~ "where database_name = current_database() and contains(table_name, '__dbt_tmp')"
        ).columns[0].values() -%}
        {%- do run_query(left | join ~ 'checkpoint') -%}
    {%- endif -%}
{% endmacro %}

{#- Spark has written its files when a statement ends. -#}

{% macro spark__store_warehouse() %}{% endmacro %}
