{#- Calls `clientele.sources.preparing` with JSON and returns its JSON: through the adapter, or a function of the database. -#}

{% macro prepare_source(source) %}
    {{ return(adapter.dispatch('prepare_source')(source)) }}
{% endmacro %}

{% macro duckdb__prepare_source(source) %}
    {{ return(run_query('select prepare_source(' ~ text_literal(source) ~ ')').columns[0].values()[0]) }}
{% endmacro %}

{% macro spark__prepare_source(source) %}
    {{ return(adapter.prepare_source(source)) }}
{% endmacro %}
