"""What baskets hold together, in everybody's and in each segment's: the one model that mines."""

from clientele.frames import as_table
from clientele.rules.rule_tables import ITEMSET_TABLE_TYPES, itemset_table


def model(dbt, session):
    baskets, items = dbt.ref("ml_rules__baskets"), dbt.ref("feat_items")
    found = itemset_table(baskets, items, session=session, **dbt.config.meta_get("params"))
    return as_table(session, found, ITEMSET_TABLE_TYPES)
