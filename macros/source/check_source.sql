{#-
    Stops the run before anything is built if the source does not match its YAML. The message lists every mistake, each
    with how to fix it. Also available as `dbt run-operation check_source`.
-#}

{% macro check_source() %}
    {%- if execute -%}
        {%- set prepared = prepared_source() -%}
        {%- set problems = prepared['problems'] -%}
        {%- if not problems -%}
            {%- for name in var('source')['tables'] if name in canonical_columns(none) and (name != 'customers' or lists_customers()) -%}
                {%- do problems.extend(data_problems(name)) -%}
            {%- endfor -%}
            {%- if is_imported('order_totals') -%}
                {%- do register_files('order_totals', raw_path('order_totals')) -%}
            {%- endif -%}
            {%- if var('campaign_exports', none) -%}
                {%- do problems.extend(campaign_export_problems()) -%}
            {%- endif -%}
            {%- if has_campaigns() and not problems -%}
                {%- do problems.extend(repeated_assignments()) -%}
            {%- endif -%}
        {%- endif -%}
        {%- if problems -%}
            {%- do exceptions.raise_compiler_error(
                "source '" ~ (var('source') or {}).get('name', '?') ~ "' cannot be read; nothing was built.\n- "
                ~ problems | join("\n- ")
            ) -%}
        {%- endif -%}
        {%- for note in prepared['notes'] -%}
            {%- do log('source: ' ~ note, info=true) -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}
