{#-
    Prints what failed tests found, because dbt itself prints only how many rows. Called when a run ends. For a `checks`
    node: the table, the broken rule, its column, the number of rows, and up to three keys. For a test of its own with a
    column `message`: the messages.
-#}

{% macro report_broken_checks(results) %}
    {%- for result in results if result.status in ('fail', 'warn') -%}
        {%- set metadata = result.node.test_metadata -%}
        {%- if metadata and metadata.name == 'checks' -%}
            {%- set table = result.node.attached_node.split('.')[-1] -%}
            {%- for row in run_query(result.node.compiled_code) -%}
                {%- set rows = row['failures'] ~ (' row breaks ' if row['failures'] == 1 else ' rows break ') -%}
                {%- do log(
                    table ~ '.' ~ row['column_name'] ~ ': ' ~ rows ~ '`' ~ row['broken_rule'] ~ '`, such as '
                    ~ row['example_keys'], info=true
                ) -%}
            {%- endfor -%}
        {%- elif not metadata and result.node.resource_type == 'test' and ' as message' in result.node.compiled_code -%}
            {%- for row in run_query(result.node.compiled_code) -%}
                {%- do log(row['message'], info=true) -%}
            {%- endfor -%}
        {%- endif -%}
    {%- endfor -%}
{% endmacro %}
