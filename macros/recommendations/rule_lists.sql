{#-
    From the CTEs named by `histories` (customer_number, segment_key, product_number), `owned` (customer_number,
    product_number), `mined_rules`, `rule_items` and `products`: the CTEs `numbered_rules` (the most confident rule has
    number 1), `best_rules` (for each customer and product the most confident rule whose whole antecedent the customer has)
    and `rule_lists`, a row per customer with the `length` products of the most confident rules, as an array of product
    numbers.
-#}

{% macro rule_lists(histories, length) %}

ranked_rules as (

    select
        mined_rules.scope,
        mined_rules.rule_key,
        mined_rules.antecedent_length,
        mined_rules.confidence,
        mined_rules.lift,
        products.product_number,
        row_number() over (
            order by mined_rules.confidence desc, mined_rules.lift desc, mined_rules.rule_key asc
        ) as rule_number,
        row_number() over (
            partition by mined_rules.scope, mined_rules.antecedent_items
            order by mined_rules.confidence desc, mined_rules.lift desc, mined_rules.rule_key asc
        ) as antecedent_rank

    from mined_rules

    inner join rule_items
        on
            mined_rules.rule_key = rule_items.rule_key
            and rule_items.side = 'consequent'

    inner join products
        on
            rule_items.item = products.product_label
            and products.is_recommendable

),

-- A list has no room for more rules of one antecedent.
numbered_rules as (

    select * from ranked_rules
    where antecedent_rank <= {{ recommendation_settings().longest }}

),

antecedents as (

    select
        numbered_rules.scope,
        numbered_rules.rule_number,
        numbered_rules.antecedent_length,
        products.product_number

    from numbered_rules

    inner join rule_items
        on
            numbered_rules.rule_key = rule_items.rule_key
            and rule_items.side = 'antecedent'

    inner join products
        on rule_items.item = products.product_label

),

met_rules as (

    select
        {{ histories }}.customer_number,
        antecedents.rule_number

    from {{ histories }}

    inner join antecedents
        on
            {{ histories }}.product_number = antecedents.product_number
            and antecedents.scope in ('all', {{ histories }}.segment_key)

    group by {{ histories }}.customer_number, antecedents.rule_number, antecedents.antecedent_length

    having count(*) = antecedents.antecedent_length

),

best_rules as (

    select
        met_rules.customer_number,
        numbered_rules.product_number,
        min(met_rules.rule_number) as rule_number

    from met_rules

    inner join numbered_rules
        on met_rules.rule_number = numbered_rules.rule_number

    left join owned
        on
            met_rules.customer_number = owned.customer_number
            and numbered_rules.product_number = owned.product_number

    where owned.product_number is null

    group by met_rules.customer_number, numbered_rules.product_number

),

rule_lists as (

    select
        customer_number,
        {{ top_items('product_number', '-rule_number', length) }} as products

    from best_rules

    group by customer_number

)

{%- endmacro %}
