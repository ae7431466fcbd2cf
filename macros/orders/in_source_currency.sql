{#- An amount of a line in the source's currency, at the rates that the source declares. -#}

{% macro in_source_currency(amount) %}
    {%- set rates = var('source').get('currencies', {}) -%}
    {%- if rates -%}
        cast(
            {{ amount }} * case currency
                {%- for code, rate in rates.items() %}
                when '{{ code }}' then cast({{ rate }} as decimal(18, 6))
                {%- endfor %}
                else cast(1 as decimal(18, 6))
            end as decimal(18, 4)
        )
    {%- else -%}
        {{ amount }}
    {%- endif -%}
{% endmacro %}
