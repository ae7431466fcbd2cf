{#-
    A local timestamp of the named zone as the same instant's timestamp in UTC. If clocks show an
    hour twice, the second time is used. An hour that clocks skip is read with the offset before it.
-#}

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

{#- Spark takes the first of two possible instants. The second is an hour later if both have the same local time. -#}
{% macro spark__to_utc(local_timestamp, timezone) -%}
    {%- set first = "to_utc_timestamp(" ~ local_timestamp ~ ", '" ~ timezone ~ "')" -%}
    {%- set second = first ~ " + interval 1 hour" -%}
    case
        when from_utc_timestamp({{ second }}, '{{ timezone }}') = {{ local_timestamp }} then {{ second }}
        else {{ first }}
    end
{%- endmacro %}
