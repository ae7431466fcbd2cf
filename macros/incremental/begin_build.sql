{#-
    Called when a run starts. A build that does not continue the last one forgets it first: if it fails halfway, some
    tables are new and others are not, and the next build must make them all.
-#}

{% macro begin_build() %}
    {%- if not execute or target.type == 'spark' or not builds_orders() -%}
        {{ return('') }}
    {%- endif -%}
    {%- set table = state_table('last_build') -%}
    {%- do adapter.create_schema(table) -%}
    {%- do run_query(
        "create table if not exists " ~ table ~ " (build_id varchar, configuration varchar, as_of_date date, extract_date date)"
    ) -%}
    {%- if not last_build() -%}
        {%- do run_query('delete from ' ~ table) -%}
    {%- endif -%}
{% endmacro %}


{#- Whether this run may change a table that builds continue. -#}

{% macro builds_orders() %}
    {%- set chosen = selected_resources | select('in', continued_models()) | list -%}
    {{ return(invocation_args_dict['which'] in ['build', 'run'] and chosen | length > 0) }}
{% endmacro %}


{#- The ids of the models that builds continue. -#}

{% macro continued_models() %}
    {%- set ids = [] -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.config.incremental_strategy == 'touched' -%}
        {%- do ids.append(node.unique_id) -%}
    {%- endfor -%}
    {{ return(ids) }}
{% endmacro %}
