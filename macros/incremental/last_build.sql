{#-
    The build that this one may continue: a mapping of `build_id`, `as_of_date` and `extract_date`. None if every table
    must be built as a whole: there is no build before, it did not pass, or it was made by other models, macros, lookups or
    settings. No build continues one with `--empty`. Spark's tables of Parquet files cannot lose rows, so every build there
    is a whole one.
-#}

{% macro last_build() %}
    {%- if not execute or target.type == 'spark' or flags.FULL_REFRESH or invocation_args_dict.get('empty') or model.get('resource_type') == 'unit_test' -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set table = state_table('last_build') -%}
    {%- if adapter.get_relation(table.database, table.schema, table.identifier) is none -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set rows = run_query(
        "select build_id, cast(as_of_date as varchar) as as_of_date, cast(extract_date as varchar) as extract_date from "
        ~ table ~ " where configuration = " ~ text_literal(build_configuration())
    ).rows -%}
    {{ return(dict(zip(['build_id', 'as_of_date', 'extract_date'], rows[0].values())) if rows | length == 1 else none) }}
{% endmacro %}


{#- A hash of everything other than the data that decides what the order-level tables hold. -#}

{% macro build_configuration() %}
    {%- set settings = dict(invocation_args_dict.get('vars') or {}) -%}
    {#- What these change in the data is found in the data. -#}
    {%- do settings.pop('as_of_date', none) -%}
    {%- do settings.pop('data', none) -%}
    {#- It decides nothing about orders. -#}
    {%- do settings.pop('campaign_exports', none) -%}
    {#- As YAML, because a source's YAML may hold dates, which JSON cannot. -#}
    {%- set known = {'settings': toyaml(settings, sort_keys=true), 'project': flags.PROJECT_DIR or '.'} -%}
    {{ return(run_query('select build_configuration(' ~ text_literal(tojson(known, sort_keys=true)) ~ ')').columns[0].values()[0]) }}
{% endmacro %}

