{#- The columns of a table expression, as a list of {name, type}, types in upper case. -#}

{% macro describe_columns(from_clause) %}
    {{ return(adapter.dispatch('describe_columns')(from_clause)) }}
{% endmacro %}

{% macro duckdb__describe_columns(from_clause) %}
    {%- set columns = [] -%}
    {%- for row in run_query("describe select * from " ~ from_clause).rows -%}
        {%- do columns.append({'name': row[0], 'type': row[1] | upper}) -%}
    {%- endfor -%}
    {{ return(columns) }}
{% endmacro %}
