{#-
    Delta method: the variance of a sum whose derivatives by the logarithms of the parameters are columns `<sum>_by_<name>`.
    Columns `<name>_<axis>` of `parameter_loadings` give the parameters' covariance.
-#}

{% macro estimation_variance(sum, names) -%}
    {%- for axis in range(1, 5) -%}
        {{ ' + ' if not loop.first }}power(
        {%- for name in names -%}
            {{ ' + ' if not loop.first }}sums.{{ sum }}_by_{{ name }} * loadings.{{ name }}_{{ axis }}
        {%- endfor -%}
        , 2)
    {%- endfor -%}
{%- endmacro %}
