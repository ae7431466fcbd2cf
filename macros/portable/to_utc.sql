{#- A local timestamp of the named zone as the same instant's timestamp in UTC. -#}

{% macro to_utc(local_timestamp, timezone) %}
    {%- if timezone | upper in ['UTC', 'ETC/UTC', 'Z'] -%}
        {{ local_timestamp }}
    {%- else -%}
        {{ adapter.dispatch('to_utc')(local_timestamp, timezone) }}
    {%- endif -%}
{% endmacro %}

{% macro duckdb__to_utc(local_timestamp, timezone) -%}
    {{ local_timestamp }} at time zone '{{ timezone }}' at time zone 'UTC'
{%- endmacro %}
