{#- The mean of numbers with up to nine decimals. Sums of doubles depend on their order, hence on the number of threads. -#}

{% macro exact_mean(column) -%}
    cast(sum(cast({{ column }} as decimal(28, 9))) as double) / nullif(count({{ column }}), 0)
{%- endmacro %}
