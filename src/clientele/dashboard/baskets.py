"""Association rules of each scope and level, and how many replicated on later baskets."""

import pandas as pd

from clientele.dashboard.tables import Page

# More rules than this per scope and level are not useful on a page; the marts hold all of them.
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
    -- Rules with the same items, in either direction and in any scope, are counted once. Numbers
    -- replace the keys, because they take a fraction of the memory.
    itemsets as (
        select rule_key, item_count, dense_rank() over (order by items) as itemset
        from (
            select items.rule_key, count(*) as item_count,
                list_sort(list(items.item_kind || ' ' || items.item_key)) as items
            from marts.fct_association_rule_items as items
            join rules using (rule_key)
            group by items.rule_key
        )
    ),
    needed as (
        select distinct itemsets.itemset, itemsets.item_count, items.item_kind, items.item_key
        from itemsets join marts.fct_association_rule_items as items using (rule_key)
    ),
    wanted as (
        select item_kind, item_key, row_number() over () as item
        from (select distinct item_kind, item_key from needed)
    ),
    buyers as (
        select order_id, customer_id, row_number() over () as order_number,
            dense_rank() over (order by coalesce(customer_id, order_id)) as buyer
        from marts.fct_orders
    ),
    sold as (
        select distinct buyers.order_number, buyers.buyer, lines.product_id
        from marts.fct_order_lines as lines
        join buyers using (order_id)
        where lines.line_net_amount > 0
    ),
    products as (
        select products.product_id, wanted.item
        from marts.dim_products as products
        join wanted on wanted.item_kind = 'product' and wanted.item_key = products.product_id
        union all
        select products.product_id, wanted.item
        from marts.dim_products as products
        join wanted on wanted.item_kind = 'category' and wanted.item_key = products.category
    ),
    bought as (
        select distinct sold.order_number, sold.buyer, products.item
        from sold join products using (product_id)
    ),
    -- The customers behind a rule have all of its items in one order.
    customers_behind as (
        select distinct counted.itemset, buyers.customer_id, counted.buyer
        from (
            select needed.itemset, bought.order_number, bought.buyer
            from needed
            join wanted using (item_kind, item_key)
            join bought using (item)
            group by needed.itemset, needed.item_count, bought.order_number, bought.buyer
            having count(*) = needed.item_count
        ) as counted
        join buyers using (order_number)
    ),
    behind as (
        select rules.rule_key, count(distinct customers_behind.buyer) as customer_count
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
        on runs.scope = segments.segment_key
    order by all
"""


ITEMS = """
    select items.rule_key, list(distinct items.item_kind || ' ' || items.item_key) as items
    from marts.fct_association_rule_items as items
    group by items.rule_key
"""
# A bundle with more items would be a shelf.
BUNDLE_ITEMS = 6


def load(page: Page) -> None:
    """Add the page's tables."""
    rules = page.frame(RULES)
    rules["bundle"] = bundles(rules, dict(page.connection.execute(ITEMS).fetchall()))
    # The sides of a rule with few customers are hidden with it. A rule is not part of a sum.
    page.add("rules", rules.drop(columns="rule_key"), keys=["scope", "item_level"])
    page.add_facts("runs", RUNS)
    page.add_facts("scopes", SCOPES)


def bundles(rules: pd.DataFrame, items: dict[str, list[str]]) -> list[int]:
    """Return the bundle of each rule, in the order of the rules of a scope and level.

    A rule joins the first bundle that has at least half of its items and has room for the others.
    """
    numbers, known = [], {}
    for rule in rules.itertuples():
        found = known.setdefault((rule.scope, rule.item_level), [])
        mine = set(items[rule.rule_key])
        fits = (
            number
            for number, bundle in enumerate(found)
            if 2 * len(mine & bundle) >= len(mine) and len(mine | bundle) <= BUNDLE_ITEMS
        )
        number = next(fits, len(found))
        if number == len(found):
            found.append(set())
        found[number] |= mine
        numbers.append(number)
    return numbers
