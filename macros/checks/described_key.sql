{#- An expression of text that names a row by its key: `customer_id = 17, horizon_days = 90`. -#}

{% macro described_key(columns) %}
    {%- set parts = [] -%}
    {%- for column in columns -%}
        {%- do parts.append("concat('" ~ column ~ " = ', coalesce(cast(" ~ column ~ " as " ~ dbt.type_string() ~ "), 'null'))") -%}
    {%- endfor -%}
    {{ return("concat_ws(', ', " ~ parts | join(', ') ~ ")") }}
{% endmacro %}
