{#- Calls `clientele.campaigns.audiences` with JSON and returns its JSON: through the adapter, or a function of the database. -#}

{% macro read_audiences(said) %}
    {{ return(adapter.dispatch('read_audiences')(said)) }}
{% endmacro %}

{% macro duckdb__read_audiences(said) %}
    {{ return(run_query('select read_audiences(' ~ text_literal(said) ~ ')').columns[0].values()[0]) }}
{% endmacro %}

{% macro spark__read_audiences(said) %}
    {{ return(adapter.read_audiences(said)) }}
{% endmacro %}
