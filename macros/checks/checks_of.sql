{#-
    The rules of a level (error or warn) on a table's columns, in the order of the YAML: a list of `column`, `name` and
    `is_broken`, the SQL condition that is true for a row that breaks the rule. Null passes every rule except `not_null`.
    At parse time, when dbt's graph is not known yet, the list is empty.
-#}

{% macro checks_of(relation, level) %}
    {%- set rules = [] -%}
    {%- for node in (graph.nodes.values() if execute else []) if node.resource_type in ('model', 'seed')
            and node.alias == relation.identifier and node.schema == relation.schema -%}
        {%- for column in node.columns.values() -%}
            {%- for check in column.config.get('meta', {}).get('checks', []) -%}
                {%- set name, arguments = (check, {}) if check is string else (check | list | first, check.values() | first) -%}
                {%- if arguments.get('level', 'error') != level -%}{%- continue -%}{%- endif -%}
                {%- set is_broken = broken_when(column.name, name, arguments, node.name) -%}
                {%- set said = [] -%}
                {%- for argument, given in arguments.items() -%}
                    {%- do said.append(argument ~ ': ' ~ (given | join(', ') if given is sequence and given is not string else given)) -%}
                {%- endfor -%}
                {%- do rules.append({
                    'column': column.name,
                    'name': name ~ (' (' ~ said | join(', ') ~ ')' if said else ''),
                    'is_broken': is_broken,
                }) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(rules) }}
{% endmacro %}
