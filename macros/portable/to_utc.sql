{#-
    A local timestamp of the named zone as the same instant's timestamp in UTC. An hour that clocks
    show twice is taken for its second time; one that they skip is read with the offset before it.
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

{#- Spark takes the first of the two; an hour later is the second, where that reads the same on the clock. -#}
{% macro spark__to_utc(local_timestamp, timezone) -%}
    {%- set first = "to_utc_timestamp(" ~ local_timestamp ~ ", '" ~ timezone ~ "')" -%}
    {%- set second = first ~ " + interval 1 hour" -%}
    case
        when from_utc_timestamp({{ second }}, '{{ timezone }}') = {{ local_timestamp }} then {{ second }}
        else {{ first }}
    end
{%- endmacro %}
