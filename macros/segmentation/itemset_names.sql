{#- The columns that hold a customer's share of each itemset: itemset_01 and on, as many as the var asks for. -#}

{% macro itemset_names() %}
    {%- set names = [] -%}
    {%- for number in range(1, var('basket_itemsets') + 1) -%}
        {%- do names.append('itemset_' ~ '%02d' | format(number)) -%}
    {%- endfor -%}
    {{ return(names) }}
{% endmacro %}
