{#-
    Whether there are campaigns: the source has the table `campaigns`, or files of exported audiences are named. What is
    about results is built only then.
-#}

{% macro has_campaigns() %}
    {%- set source = var('source') -%}
    {%- set tables = source.get('tables') if source is mapping else none -%}
    {{ return((tables or {}).get('campaigns') is mapping or var('campaign_exports', none) is not none) }}
{% endmacro %}
