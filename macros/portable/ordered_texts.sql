{#- Texts of a group as one, with commas, in the order of a column. -#}

{% macro joined_in_order(value, order) %}
    {{- adapter.dispatch('joined_in_order')(value, order) -}}
{% endmacro %}

{% macro duckdb__joined_in_order(value, order) -%}
    string_agg({{ value }}, ', ' order by {{ order }})
{%- endmacro %}

{% macro spark__joined_in_order(value, order) -%}
    array_join(
        transform(sort_array(collect_list(named_struct('place', {{ order }}, 'item', {{ value }}))), placed -> placed.item), ', '
    )
{%- endmacro %}

{#- All values of a group as an array, in any order. -#}

{% macro all_items(value) %}
    {{- adapter.dispatch('all_items')(value) -}}
{% endmacro %}

{% macro duckdb__all_items(value) -%}
    coalesce(list({{ value }}), [])
{%- endmacro %}

{% macro spark__all_items(value) -%}
    collect_list({{ value }})
{%- endmacro %}
