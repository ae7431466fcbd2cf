"""Whether each rule is as strong in every segment."""

from clientele.frames import as_table, collect
from clientele.rules.rule_tables import DIFFERENCE_TABLE_TYPES, difference_table


def model(dbt, session):
    key = ["period", "item_level", "items", "segment_key", "is_holdout"]
    itemsets = collect(dbt.ref("ml_rules__itemsets"), key=key).reset_index()
    rules = collect(dbt.ref("ml_rules__mined"), key=["period", "rule_key"]).reset_index()
    return as_table(session, difference_table(itemsets, rules), DIFFERENCE_TABLE_TYPES)
