{#-
    The rows that a build replaces in a table that it continues, as an SQL condition on `key`:
    `changed order`: orders whose lines changed; `touched order`: also the other orders of their customers;
    `touched customer`: the customers of these orders.
-#}

{% macro is_touched(kind, key) -%}
    {%- if kind == 'changed order' -%}
    coalesce({{ key }}, '') in (select order_id from {{ ref('int_touched_orders') }} where is_changed)
    {%- elif kind == 'touched order' -%}
    {{ key }} in (select order_id from {{ ref('int_touched_orders') }})
    {%- else -%}
    {{ key }} in (select customer_id from {{ ref('int_touched_customers') }})
    {%- endif -%}
{%- endmacro %}


{#- The incremental strategy `touched`: the model's `stale` condition says which rows its SQL computes again. -#}

{% macro get_incremental_touched_sql(arguments) %}
    {%- set columns = get_quoted_csv(arguments['dest_columns'] | map(attribute='name')) -%}
    delete from {{ arguments['target_relation'] }} where {{ stale_rows(model.name) }};
    insert into {{ arguments['target_relation'] }} ({{ columns }}) select {{ columns }} from {{ arguments['temp_relation'] }}
{% endmacro %}


{#- The rows of an incremental model that its SQL computes again. -#}

{% macro stale_rows(name) -%}
    {%- if name == 'int_order_lines__screened' -%}
        {{ is_touched('changed order', 'order_id') }}
    {%- elif name == 'int_orders' -%}
        {{ is_touched('touched order', 'order_id') }} and (customer_id is null or {{ is_touched('touched customer', 'customer_id') }})
    {%- else -%}
        {{ is_touched('touched customer', 'customer_id') }}
    {%- endif -%}
{%- endmacro %}
