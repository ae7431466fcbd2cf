{#-
    The materialization of a table that a build continues: its model computes the touched rows only, and the strategy
    `touched` replaces them. Spark's tables of Parquet files cannot lose rows, so they are built as a whole.
-#}

{% macro continued_table() %}
    {%- do reads_changes() -%}
    {{ return('table' if target.type == 'spark' else 'incremental') }}
{% endmacro %}


{#- Tells dbt's parser what a model reads only if it continues the last build. -#}

{% macro reads_changes() %}
    {%- if not execute and target.type != 'spark' -%}
        {%- for name in ['int_order_fingerprints', 'int_changed_orders', 'int_touched_customers', 'int_touched_orders'] -%}
            {%- do ref(name) -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}
