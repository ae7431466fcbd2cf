{#-
    A value as a timestamp without a zone; null if it cannot be read as one. A text with an offset is an instant and becomes
    its time in UTC. For other types than text this costs nothing, because engines know the type of `value` when they plan.
-#}

{% macro try_timestamp(value) %}
    {{- adapter.dispatch('try_timestamp')(value) -}}
{% endmacro %}

{#- Cast to an instant first, because the plain cast drops an offset. The session's zone is UTC. -#}
{% macro duckdb__try_timestamp(value) -%}
    case
        when typeof({{ value }}) = 'VARCHAR'
            then cast(try_cast(trim(cast({{ value }} as string)) as timestamp with time zone) as timestamp)
        else try_cast({{ value }} as timestamp)
    end
{%- endmacro %}

{#- Spark's own cast would also read '2010', and '08:26' as a time of today, but not '2010/12/01'. -#}
{% macro spark__try_timestamp(value) -%}
    case
        when typeof({{ value }}) <> 'string' then try_cast({{ value }} as timestamp)
        when trim({{ value }}) rlike '^[0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}'
            then try_cast(replace(trim({{ value }}), '/', '-') as timestamp)
    end
{%- endmacro %}
