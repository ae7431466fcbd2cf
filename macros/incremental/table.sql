{#-
    DuckDB's materialization `table` in fewer steps than the adapter's, for which each renaming and dropping costs as much as a
    small model: it looks up all macros again. Here the new table takes the old one's place in one statement, within the
    transaction that built it. Not for tables with indexes, foreign keys, grants or `persist_docs`, of which there are none.
-#}

{% materialization table, adapter='duckdb', supported_languages=['sql', 'python'] %}
    {%- set language = model['language'] -%}
    {%- set old = load_cached_relation(this) -%}
    {%- set new = this.incorporate(type='table') -%}
    {%- set unfinished = make_intermediate_relation(new) -%}
    {{ drop_relation_if_exists(load_cached_relation(unfinished)) }}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {%- call statement('main', language=language) -%}
        {{ create_table_as(False, unfinished, compiled_code, language) }}
    {%- endcall %}
    {%- call statement('replace') -%}
        {% if old %}drop {{ old.type }} if exists {{ old }} cascade;{% endif %}
        alter table {{ unfinished }} rename to {{ adapter.quote(new.identifier) }}
    {%- endcall %}
    {%- if old %}
        {%- do adapter.cache_dropped(old) %}
    {%- endif %}

    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}

    {{ return({'relations': [new]}) }}
{% endmaterialization %}
