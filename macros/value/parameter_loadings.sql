{#- Columns `<name>_<axis>` of the named parameters from the rows of `ml_clv__parameters`: of the spend model, or of the purchase model. -#}

{% macro parameter_loadings(names, is_spend) -%}
    {%- for name in names -%}
        {%- for axis in range(1, 5) -%}
            max(case
                when model {{ '=' if is_spend else '<>' }} 'gamma_gamma' and parameter = '{{ name }}' then loading_{{ axis }}
            end) as {{ name }}_{{ axis }}{{ ', ' if not loop.last }}
        {%- endfor -%}
        {{ ', ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
