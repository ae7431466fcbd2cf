{#- A bound of Wilson's interval of a share of so many; `sign` is - for the lower, + for the upper. -#}

{% macro wilson_bound(share, number, z, sign) -%}
    (
        {{ share }} + {{ z * z / 2 }} / {{ number }}
        {{ sign }} {{ z }} * sqrt({{ share }} * (1 - {{ share }}) / {{ number }} + {{ z * z / 4 }} / ({{ number }} * {{ number }}))
    ) / (1 + {{ z * z }} / {{ number }})
{%- endmacro %}
