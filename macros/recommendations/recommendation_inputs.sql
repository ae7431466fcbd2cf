{#-
    The input CTEs of the lists of one day. `period_number` is 0 for today, or 1 for the earlier day, for which lists are
    tested. The same SQL makes the lists of both days.
-#}

{% macro recommendation_inputs(period_number, with_pairs=true) %}
{%- set earlier = period_number == 1 -%}

customer_products as (

    select
        customer_number,
        product_id,
        {{ 'was_in_history' if earlier else 'is_in_history' }} as is_in_history

    from {{ ref('feat_customer_products') }}

    where {{ 'earlier_last_bought_date' if earlier else 'last_bought_date' }} is not null

),

products as (

    select * from {{ ref('feat_products') }}
    where period_number = {{ period_number }}

),

{%- if with_pairs %}

pairs as (

    select * from {{ ref('feat_product_pairs') }}
    where period_number = {{ period_number }}

),
{%- endif %}

popularity as (

    select * from {{ ref('ml_products__popularity') }}
    where period_number = {{ period_number }}

),

mined_rules as (

    select * from {{ ref('ml_rules__mined') }}
    where
        period_number = {{ period_number }}
        and item_level = 'product'
        and consequent_length = 1
        and not is_redundant
        and lift > 1

),

rule_items as (

    select * from {{ ref('ml_rules__items') }}
    where period_number = {{ period_number }}

)

{%- endmacro %}
