{#-
    The sum of a floating number, the same in any order of rows and hence on any number of threads: summands are rounded to
    multiples of a unit, a column that is equal in all rows. Sums of whole numbers below 2^53 are exact in floating point.
-#}

{% macro exact_sum(summand, unit) -%}
    sum(round({{ summand }} / {{ unit }})) * max({{ unit }})
{%- endmacro %}
