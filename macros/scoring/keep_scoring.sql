{#-
    Called when a run ends. If it built every model and nothing failed, keeps next to the tables what `clientele score`
    needs to compute the same for a few customers: the SQL that was compiled, and how the source is read. The tables, the
    parameters in them and this SQL are then of one build.
-#}

{% macro keep_scoring(results) %}
    {%- if not execute or target.type == 'spark' or not builds_tables() or invocation_args_dict.get('empty') -%}
        {{ return('') }}
    {%- endif -%}
    {%- set built, rows = [], [] -%}
    {%- for result in results -%}
        {%- if result.status not in ['success', 'pass', 'warn', 'no-op'] -%}
            {{ return('') }}
        {%- endif -%}
        {%- set node = result.node -%}
        {%- do built.append(node.unique_id) -%}
        {%- if node.resource_type == 'model' and node.language == 'sql' -%}
            {%- do rows.append([node.name, node.relation_name, node.config.materialized, node.compiled_code or '']) -%}
        {%- elif node.resource_type == 'model' -%}
            {%- do rows.append([node.name, node.relation_name, 'python', tojson(node.config.meta.get('params') or {})]) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for node in graph.nodes.values() -%}
        {%- if node.resource_type == 'seed' -%}
            {%- do rows.append([node.name, node.relation_name, 'seed', '']) -%}
        {%- elif node.resource_type == 'model' and node.unique_id not in built -%}
            {{ return('') }}
        {%- endif -%}
    {%- endfor -%}
    {%- do rows.append(['', '', 'build', scoring_of_source()]) -%}
    {%- set values = [] -%}
    {%- for row in rows -%}
        {%- set texts = [] -%}
        {%- for text in row -%}{%- do texts.append(text_literal(text)) -%}{%- endfor -%}
        {%- do values.append('(' ~ texts | join(', ') ~ ')') -%}
    {%- endfor -%}
    {%- do run_query('insert into ' ~ state_table('scoring') ~ ' values ' ~ values | join(', ')) -%}
{% endmacro %}


{#- Called when a run starts: what was kept is of other tables as soon as one of them changes. -#}

{% macro forget_scoring() %}
    {%- if not execute or target.type == 'spark' or not builds_tables() -%}
        {{ return('') }}
    {%- endif -%}
    {%- set table = state_table('scoring') -%}
    {%- do adapter.create_schema(table) -%}
    {%- do run_query(
        "create or replace table " ~ table ~ " (name varchar, relation varchar, materialized varchar, code varchar)"
    ) -%}
{% endmacro %}


{#- Whether this run may change a table. -#}

{% macro builds_tables() %}
    {%- set chosen = [] -%}
    {%- for id in selected_resources if id.split('.')[0] in ['model', 'seed'] -%}
        {%- do chosen.append(id) -%}
    {%- endfor -%}
    {{ return(invocation_args_dict['which'] in ['build', 'run', 'seed'] and chosen | length > 0) }}
{% endmacro %}


{#- JSON of what else decides how an order line is read: the source, where it is, and the types of its columns. -#}

{% macro scoring_of_source() %}
    {%- set source = var('source') -%}
    {%- set declared = source.get('extract_date') -%}
    {%- set types, places = {}, [] -%}
    {%- for node in graph.nodes.values() -%}
        {%- if node.resource_type == 'seed' and node.name == source['tables']['order_lines'].get('seed') -%}
            {%- do places.append(node.relation_name) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set location = places[0] if places else raw_location('order_lines') | trim -%}
    {%- if not is_imported('order_lines') -%}
        {%- for column in describe_columns(location) -%}
            {%- do types.update({column['name']: column['type']}) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(tojson({
        'build_id': invocation_id,
        'database': target.database,
        'source': dict(source, extract_date=declared | string if declared else none),
        'extract_date': extract_date() | string,
        'location': location,
        'types': types,
    })) }}
{% endmacro %}
