{#- The columns of a table expression, as a list of {name, type}, under DuckDB's names of the types. -#}

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

{#- Spark's plain timestamp is an instant; its timestamp without a zone has another name. -#}
{% macro spark__describe_columns(from_clause) %}
    {%- set names = {
        'INT': 'INTEGER', 'TIMESTAMP': 'TIMESTAMP WITH TIME ZONE', 'TIMESTAMP_NTZ': 'TIMESTAMP', 'STRING': 'VARCHAR'
    } -%}
    {%- set columns = [] -%}
    {%- for row in run_query("describe query select * from " ~ from_clause).rows -%}
        {%- set type = row[1] | upper -%}
        {%- set of_list = type[6:-1] if type.startswith('ARRAY<') else '' -%}
        {%- do columns.append({
            'name': row[0], 'type': names.get(of_list, of_list) ~ '[]' if of_list else names.get(type, type)
        }) -%}
    {%- endfor -%}
    {{ return(columns) }}
{% endmacro %}
