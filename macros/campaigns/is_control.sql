{#- Whether an arm is the one that received nothing: the source's, and `control` of exported audiences. -#}

{% macro is_control(arm) -%}
    {%- set table = (var('source').get('tables') or {}).get('campaigns') or {} -%}
    ({{ arm }} = {{ text_literal(table.get('control') or 'control') }}
    {{- " or " ~ arm ~ " = 'control'" if var('campaign_exports', none) }})
{%- endmacro %}
