{#-
    The relation that the last build left for `model`, which stands in the same schema as the model that asks, or rows of
    none with its columns (`columns`: names to types). A model cannot `ref` what is built after it; what was built
    yesterday is there all the same.
-#}

{% macro previous(model, columns) %}
    {%- set found = none -%}
    {%- if execute -%}
        {%- set found = adapter.get_relation(database=this.database, schema=this.schema, identifier=model) -%}
    {%- endif -%}
    {%- if found is not none -%}
        {{ return(found) }}
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
