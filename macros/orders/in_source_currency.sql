{#- An amount of a line in the source's currency, at the rates that the source declares; null if no column holds it. -#}

{% macro in_source_currency(amount) %}
    {%- set rates = var('source').get('currencies', {}) -%}
    {%- if rates -%}
        {#- With two digits more than a rate needs, the product of two decimals has the digits for any amount. #}
        try_cast(
            {{ amount }} * case currency
                {%- for code, rate in rates.items() %}
                when '{{ code | upper }}' then cast({{ rate }} as decimal(20, 6))
                {%- endfor %}
                else cast(1 as decimal(20, 6))
            end as decimal(18, 4)
        )
    {%- else -%}
        {{ amount }}
    {%- endif -%}
{% endmacro %}
