{#-
    Whether there may be campaigns in which chance decided the arms: exported audiences, or a table of campaigns that does
    not say otherwise. What is about uplift is built only then.
-#}

{% macro has_experiments() %}
    {%- set source = var('source') -%}
    {%- set table = ((source.get('tables') if source is mapping else none) or {}).get('campaigns') or {} -%}
    {{ return(has_campaigns() and (table.get('randomised', true) or var('campaign_exports', none) is not none)) }}
{% endmacro %}
