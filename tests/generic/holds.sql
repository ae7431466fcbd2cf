{#- Fails on each row of which the condition is false: what a column says of the others beside it. Null passes. -#}

{% test holds(model, column_name, condition) %}

select *
from {{ model }}
where not ({{ condition }})

{% endtest %}
