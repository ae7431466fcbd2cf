{#- Overrides dbt's: a model of the strategy `touched` is also built as a whole if the last build cannot be continued. -#}

{% macro should_full_refresh() %}
    {%- set asked = config.get('full_refresh') -%}
    {%- if asked is none -%}{%- set asked = flags.FULL_REFRESH -%}{%- endif -%}
    {{ return(asked or (config.get('incremental_strategy') == 'touched' and not last_build())) }}
{% endmacro %}
