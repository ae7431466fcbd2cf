{#-
    The text `given` of a customer's attribute as a value of its kind; null if it does not read. Numbers are those that sums
    of squares can hold. A date may have a time, which is dropped.
-#}

{% macro attribute_value(given, kind) %}
    {%- if kind == 'number' -%}
        case
            when {{ matches(given, text_literal('^[-+]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][-+]?[0-9]+)?$')) }}
                and abs(try_cast({{ given }} as double)) < 1e15 then try_cast({{ given }} as double)
        end
    {%- elif kind == 'date' -%}
        cast({{ try_timestamp(given) }} as date)
    {%- elif kind == 'yes_no' -%}
        case
            when lower({{ given }}) in ('yes', 'y', 'true', 't', '1', '1.0', 'on') then 'yes'
            when lower({{ given }}) in ('no', 'n', 'false', 'f', '0', '0.0', 'off') then 'no'
        end
    {%- else -%}
        {{ given }}
    {%- endif -%}
{% endmacro %}
