{#-
    The day of the source's extraction: the one that the source declares, or else the day of this run, in UTC. It is only
    used to detect impossible future dates. Everything else uses the as-of date.
-#}

{% macro extract_date() %}
    {{- var('source').get('extract_date') or run_started_at.strftime('%Y-%m-%d') -}}
{% endmacro %}
