"""Rules of what sells together, in each scope and at each level, and how such rules held up."""

from clientele.dashboard import open_page

# Beyond so many in a scope and level nobody reads on; the marts have them all.
RULES_SHOWN = 500
RULES = f"""
    with ranked as (
        select *, row_number() over (
            partition by scope, item_level
            order by is_significant and not is_redundant desc, lift_lower desc, rule_key
        ) as rule_rank
        from marts.fct_association_rules
    ),
    rules as (
        select * from ranked where rule_rank <= {RULES_SHOWN}
    ),
    -- Rules of the same items, whichever way round and in whichever scope, are counted once.
    itemsets as (
        select items.rule_key, count(*) as item_count,
            list_sort(list(items.item_kind || ' ' || items.item_key)) as itemset
        from marts.fct_association_rule_items as items
        join rules using (rule_key)
        group by items.rule_key
    ),
    needed as (
        select distinct itemsets.itemset, itemsets.item_count, items.item_kind, items.item_key
        from itemsets join marts.fct_association_rule_items as items using (rule_key)
    ),
    bought as (
        select distinct lines.order_id, coalesce(lines.customer_id, lines.order_id) as customer_id,
            products.product_id, products.category
        from marts.fct_order_lines as lines
        join marts.dim_products as products using (product_id)
        where lines.net_amount > 0
    ),
    holders as (
        select 'product' as item_kind, product_id as item_key, order_id, customer_id from bought
        union all
        select distinct 'category', category, order_id, customer_id from bought
    ),
    -- Who stands behind a rule: customers with all of its items in one order.
    customers_behind as (
        select distinct itemset, customer_id
        from (
            select needed.itemset, holders.customer_id
            from needed
            join holders using (item_kind, item_key)
            group by needed.itemset, needed.item_count, holders.order_id, holders.customer_id
            having count(*) = needed.item_count
        )
    ),
    behind as (
        select rules.rule_key, count(*) as customer_count
        from rules
        join itemsets using (rule_key)
        join customers_behind using (itemset)
        left join marts.fct_segment_memberships as memberships
            on customers_behind.customer_id = memberships.customer_id
            and rules.scope = memberships.segment_key
            and memberships.is_current
        where rules.scope = 'all' or memberships.customer_id is not null
        group by rules.rule_key
    )
    select rules.scope, rules.item_level, rules.rule_key, rules.antecedent, rules.consequent,
        rules.antecedent_length + rules.consequent_length as item_count, rules.support,
        rules.confidence, rules.lift, rules.lift_lower, rules.lift_upper,
        rules.order_count, rules.holdout_lift, rules.is_significant, rules.is_redundant,
        coalesce(behind.customer_count, 1) as customer_count
    from rules
    left join behind using (rule_key)
    order by rules.scope, rules.item_level, rules.rule_rank
"""
RUNS = """
    select scope, item_level, min_support, basket_count, rule_count, actionable_rule_count,
        tested_rule_count, replicated_rule_count, median_earlier_lift, median_holdout_lift
    from marts.fct_association_rule_runs
    order by all
"""
SCOPES = """
    select distinct runs.scope, coalesce(segments.segment_name, 'All customers') as scope_name
    from marts.fct_association_rule_runs as runs
    left join marts.dim_segments as segments
        on runs.scope = segments.segment_key and segments.is_promoted
    order by all
"""

page = open_page()
# Sides of a rule that hardly anybody follows are hidden with it; a rule is no part of a sum.
page.add("rules", RULES, keys=["scope", "item_level"])
page.add_facts("runs", RUNS)
page.add_facts("scopes", SCOPES)
page.write()
