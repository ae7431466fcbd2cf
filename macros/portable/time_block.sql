{#- The number of the block of so many minutes, counted from 1970, in which a timestamp lies. -#}

{% macro time_block(timestamp, minutes) %}
    {{- adapter.dispatch('time_block')(timestamp, minutes) -}}
{% endmacro %}

{% macro duckdb__time_block(timestamp, minutes) -%}
    (epoch_us({{ timestamp }}) // {{ minutes * 60000000 }})
{%- endmacro %}

{% macro spark__time_block(timestamp, minutes) -%}
    (unix_micros({{ timestamp }}) div {{ minutes * 60000000 }})
{%- endmacro %}
