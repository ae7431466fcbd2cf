{#- A share as a percentage, and a multiple, as text: whole from ten on, else with one decimal. -#}

{% macro percent_in_words(share) -%}
    concat({{ _number_in_words('100 * ' ~ share) }}, '%')
{%- endmacro %}

{% macro times_in_words(multiple) -%}
    {{ _number_in_words(multiple) }}
{%- endmacro %}

{#- Engines round halves of doubles differently; floor is the same on all. -#}
{% macro _number_in_words(number) -%}
    case
        when {{ number }} >= 9.95 then cast(cast(floor({{ number }} + 0.5) as bigint) as {{ dbt.type_string() }})
        else cast(cast(floor(10 * {{ number }} + 0.5) / 10 as decimal(18, 1)) as {{ dbt.type_string() }})
    end
{%- endmacro %}
