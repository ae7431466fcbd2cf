{#-
    The table of `model` from the last build, in the schema of the calling model, as a query of `columns` (names to types).
    Without such a table the query has no rows. A column that the table lacks is null: an earlier version of the project may
    have written it. A model cannot `ref` a model that is built after it, but it can read what an earlier build left.
-#}

{% macro previous(model, columns) %}
    {%- set relation = none -%}
    {%- if execute -%}
        {%- set relation = adapter.get_relation(database=this.database, schema=this.schema, identifier=model) -%}
    {%- endif -%}
    {%- set present = [] if relation is none else adapter.get_columns_in_relation(relation) | map(attribute='name') | list -%}
    {%- set query -%}
        (
            select
                {% for name, type in columns.items() -%}
                {{ name if name in present else 'cast(null as ' ~ type ~ ') as ' ~ name }}{{ ', ' if not loop.last }}
                {% endfor %}
            {{ 'where 1 = 0' if relation is none else 'from ' ~ relation }}
        )
    {%- endset -%}
    {{ return(query) }}
{% endmacro %}
