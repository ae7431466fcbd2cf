{#-
    Stops the run before anything is built if the source does not match its YAML. The message lists every mistake, each
    with how to fix it. Also available as `dbt run-operation check_source`.
-#}

{% macro check_source() %}
    {%- if execute -%}
        {%- set problems = source_problems() -%}
        {%- if problems -%}
            {%- do exceptions.raise_compiler_error(
                "source '" ~ (var('source') or {}).get('name', '?') ~ "' cannot be read; nothing was built.\n- "
                ~ problems | join("\n- ")
            ) -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}


{#- A list of all problems of the source, as texts; empty if there are none. -#}

{% macro source_problems() %}
    {%- set source = var('source') -%}
    {%- if source is not mapping or source.get('tables') is not mapping or not source['tables'].get('order_lines') -%}
        {{ return(["the var `source` must hold `tables: order_lines:`; start from sources/template.yml."]) }}
    {%- endif -%}
    {%- set problems = [] -%}
    {%- for key in source if key not in ['name', 'data', 'timezone', 'currency', 'currencies', 'extract_date', 'tables', 'rules'] -%}
        {%- do problems.append("`" ~ key ~ "` is not a setting of a source; see sources/template.yml.") -%}
    {%- endfor -%}
    {%- for key in ['name', 'timezone', 'currency'] if not source.get(key) -%}
        {%- do problems.append("`" ~ key ~ "` is missing; see sources/template.yml.") -%}
    {%- endfor -%}
    {%- if source.get('timezone') and source['timezone'] not in modules.pytz.all_timezones_set -%}
        {%- do problems.append("timezone '" ~ source['timezone'] ~ "' is unknown; write an IANA name"
            ~ similar_timezones(source['timezone'])) -%}
    {%- endif -%}
    {%- for rule in source.get('rules') or {} if rule not in ['cancellation_order_pattern', 'adjustment_order_pattern'] -%}
        {%- do problems.append("rule `" ~ rule ~ "` is unknown; see sources/template.yml.") -%}
    {%- endfor -%}
    {%- for name in source['tables'] -%}
        {%- if name not in canonical_columns(none) -%}
            {%- do problems.append("table `" ~ name ~ "` is unknown; clientele reads "
                ~ canonical_columns(none) | join(', ') ~ ".") -%}
        {%- else -%}
            {%- do problems.extend(mapping_problems(name)) -%}
            {%- if not problems -%}{%- do problems.extend(data_problems(name)) -%}{%- endif -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(problems) }}
{% endmacro %}


{#- A proposal of known zones: those whose city begins like the given one, as the end of a message. -#}

{% macro similar_timezones(name) %}
    {%- set city = (name | string).split('/') | last | lower -%}
    {%- set similar = [] -%}
    {%- for zone in modules.pytz.common_timezones -%}
        {%- set known = zone.split('/') | last | lower -%}
        {%- if known[:3] == city[:3] or known[-4:] == city[-4:] -%}{%- do similar.append(zone) -%}{%- endif -%}
    {%- endfor -%}
    {{ return((", such as " ~ similar[:3] | join(', ') if similar else " such as Europe/London or UTC") ~ ".") }}
{% endmacro %}
