{#-
    The table of `model` from the last build, in the schema of the calling model. If there is none, a query without rows
    that has its `columns` (names to types). A model cannot `ref` a model that is built after it, but it can read what an
    earlier build left.
-#}

{% macro previous(model, columns) %}
    {%- set relation = none -%}
    {%- if execute -%}
        {%- set relation = adapter.get_relation(database=this.database, schema=this.schema, identifier=model) -%}
    {%- endif -%}
    {%- if relation is not none -%}
        {{ return(relation) }}
    {%- endif -%}
    {%- set nothing -%}
        (
            select
                {% for name, type in columns.items() -%}
                cast(null as {{ type }}) as {{ name }}{{ ', ' if not loop.last }}
                {% endfor %}
            where 1 = 0
        )
    {%- endset -%}
    {{ return(nothing) }}
{% endmacro %}
