{#- Fails on each combination of the columns that several rows share, or that has a null. For a second key of a table;
    the first is the `key` of `checks`. -#}

{% test unique_combination_of_columns(model, columns) %}

select {{ columns | join(', ') }}
from {{ model }}
group by {{ columns | join(', ') }}
having
    count(*) > 1
    {%- for column in columns %}
    or {{ column }} is null
    {%- endfor %}

{% endtest %}
