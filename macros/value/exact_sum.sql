{#- The sum of a floating number, through decimals: the same in any order of rows, hence on any number of threads. -#}

{% macro exact_sum(summand) -%}
    cast(sum(cast({{ summand }} as decimal(38, 9))) as double)
{%- endmacro %}
