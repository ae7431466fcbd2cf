{#-
    Arrays for short lists: cheaper than a row per item with a window that numbers them. Places count from 1.
-#}

{#- The `value`s of a group with the largest `score`s, the largest first, at most `count` of them. Scores must differ. -#}
{% macro top_items(value, score, count) %}
    {{- adapter.dispatch('top_items')(value, score, count) -}}
{% endmacro %}

{% macro duckdb__top_items(value, score, count) -%}
    max_by({{ value }}, {{ score }}, {{ count }})
{%- endmacro %}

{% macro spark__top_items(value, score, count) -%}
    transform(
        slice(sort_array(collect_list(named_struct('score', {{ score }}, 'item', {{ value }})), false), 1, {{ count }}),
        scored -> scored.item
    )
{%- endmacro %}

{#- The items of `items` that `others` lacks, in their order. Neither array may be null. -#}
{% macro items_without(items, others) %}
    {{- adapter.dispatch('items_without')(items, others) -}}
{% endmacro %}

{% macro duckdb__items_without(items, others) -%}
    list_filter({{ items }}, lambda item: not list_contains({{ others }}, item))
{%- endmacro %}

{% macro spark__items_without(items, others) -%}
    array_except({{ items }}, {{ others }})
{%- endmacro %}

{#- The first `count` items of an array. -#}
{% macro first_items(items, count) %}
    {{- adapter.dispatch('first_items')(items, count) -}}
{% endmacro %}

{% macro duckdb__first_items(items, count) -%}
    list_slice({{ items }}, 1, {{ count }})
{%- endmacro %}

{% macro spark__first_items(items, count) -%}
    slice({{ items }}, 1, {{ count }})
{%- endmacro %}

{#- The item at a place; null beyond the end. -#}
{% macro item_at(items, place) %}
    {{- adapter.dispatch('item_at')(items, place) -}}
{% endmacro %}

{% macro duckdb__item_at(items, place) -%}
    list_extract({{ items }}, {{ place }})
{%- endmacro %}

{% macro spark__item_at(items, place) -%}
    get({{ items }}, {{ place }} - 1)
{%- endmacro %}

{#- An array of whole numbers without items. -#}
{% macro no_items() %}
    {{- adapter.dispatch('no_items')() -}}
{% endmacro %}

{% macro duckdb__no_items() -%}
    cast([] as int[])
{%- endmacro %}

{% macro spark__no_items() -%}
    cast(array() as array<int>)
{%- endmacro %}
