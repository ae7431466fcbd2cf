"""The rules that the itemsets give, with every measure."""

from clientele.frames import as_table, collect
from clientele.rules.rule_tables import RULE_TABLE_TYPES, rule_table


def model(dbt, session):
    key = ["period", "item_level", "items", "segment_key", "is_holdout"]
    itemsets = collect(dbt.ref("ml_rules__itemsets"), key=key).reset_index()
    found = rule_table(itemsets, **dbt.config.meta_get("params"))
    return as_table(session, found, RULE_TABLE_TYPES)
