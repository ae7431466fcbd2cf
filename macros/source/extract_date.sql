{#-
    The day of the source's extraction: the one that the source declares, or else the day of this run in
    the source's time zone. It is only used to detect impossible future dates. Everything else uses the as-of date.
-#}

{% macro extract_date() %}
    {{- var('source').get('extract_date') or run_started_at.astimezone(modules.pytz.timezone(var('source').get('timezone') or 'UTC')).strftime('%Y-%m-%d') -}}
{% endmacro %}
