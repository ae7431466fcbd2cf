{#-
    What `audiences/*.yml` say now, as `clientele.campaigns.audiences` reads them: `audiences`, in an order in which those
    that come first stand first, `columns` that their conditions may read, and `problems`. It is read when SQL is compiled,
    so that dbt does not parse the project again when a file changes.
-#}

{% macro audiences() %}
    {%- if not execute -%}
        {{ return({'audiences': [], 'columns': [], 'problems': []}) }}
    {%- endif -%}
    {%- set asked = {
        'project': project_folder(), 'source': what_audiences_read(), 'engine': 'spark' if target.type == 'spark' else 'duckdb',
    } -%}
    {{ return(fromjson(read_audiences(tojson(asked)))) }}
{% endmacro %}


{#- Of the source, its tables and the attributes of its customers: the rest may hold dates, which JSON has none of. -#}

{% macro what_audiences_read() %}
    {%- set source, tables, attributes = var('source'), {}, {} -%}
    {%- for name, table in ((source.get('tables') if source is mapping else none) or {}).items() if table is mapping -%}
        {%- do tables.update({name: {}}) -%}
    {%- endfor -%}
    {%- for attribute in customer_attributes() if attribute['name'] != 'consent' -%}
        {%- do attributes.update({attribute['name']: {'kind': attribute['kind'], 'sensitive': attribute['is_sensitive']}}) -%}
    {%- endfor -%}
    {%- do tables.update({'customers': {'attributes': attributes}} if attributes else {}) -%}
    {{ return({'tables': tables}) }}
{% endmacro %}


{#- The folder of this project, wherever dbt was started: that of its seeds, the only nodes that tell. -#}

{% macro project_folder() %}
    {%- set seeds = graph.nodes.values() | selectattr('resource_type', 'equalto', 'seed') | selectattr('package_name', 'equalto', project_name) | list -%}
    {{ return(seeds[0].root_path if seeds else '.') }}
{% endmacro %}


{#- Stops the run before anything is built if an audience is wrong, with every mistake. -#}

{% macro check_audiences() %}
    {%- set problems = audiences()['problems'] -%}
    {%- set share = var('audiences_global_holdout_share') -%}
    {%- if execute and (share is not number or share < 0 or share > 0.9) -%}
        {%- do problems.append('dbt_project.yml: `audiences_global_holdout_share` is ' ~ share ~ '; it must be a number from 0 to 0.9') -%}
    {%- endif -%}
    {%- if problems -%}
        {%- do exceptions.raise_compiler_error(
            "audiences cannot be read; nothing was built.\n- " ~ problems | join("\n- ")
        ) -%}
    {%- endif -%}
{% endmacro %}


{#- The audiences without members, told after a run that made them. -#}

{% macro tell_empty_audiences(results) %}
    {%- if execute -%}
        {%- for result in results if result.node.name == 'dim_audiences' and result.node.resource_type == 'model' and result.status == 'success' -%}
            {%- for row in run_query('select audience from ' ~ result.node.relation_name ~ ' where is_empty order by audience').rows -%}
                {%- do log("audience '" ~ row[0] ~ "' is empty: no customer meets its condition", info=true) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}
