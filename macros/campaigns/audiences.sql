{#-
    What `audiences/*.yml` say now, as `clientele.campaigns.audiences` reads them: `audiences`, in an order in which those
    that come first stand first, `columns` that their conditions may read, and `problems`. It is read when SQL is compiled,
    so that dbt does not parse the project again when a file changes.
-#}

{% macro audiences() %}
    {%- if not execute -%}
        {{ return({'audiences': [], 'columns': [], 'problems': []}) }}
    {%- endif -%}
    {%- set asked = {'project': project_folder(), 'engine': 'spark' if target.type == 'spark' else 'duckdb'} -%}
    {{ return(fromjson(read_audiences(tojson(asked)))) }}
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
