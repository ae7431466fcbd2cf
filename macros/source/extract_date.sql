{#-
    The day the source was extracted: what it declares, else the day of this run, in UTC. Only for
    telling impossible future dates; everything else knows the as-of date alone.
-#}

{% macro extract_date() %}
    {{- var('source').get('extract_date') or run_started_at.strftime('%Y-%m-%d') -}}
{% endmacro %}
