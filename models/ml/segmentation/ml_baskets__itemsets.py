"""The itemsets that the segmentation `baskets` is made of, mined for each refit."""

from clientele.frames import as_table, collect, stored_versions
from clientele.rules.telling import BASKET_ITEMSET_TYPES, basket_itemsets, telling_itemsets
from clientele.segmentation.configuration import Configuration
from clientele.segmentation.drift import is_due


def model(dbt, session):
    due_rows = collect(dbt.ref("ml_segmentation__due"), key="measure")
    version = int(due_rows["version"].max())
    purchased, items = dbt.ref("feat_baskets"), dbt.ref("feat_items")
    itemsets = telling_itemsets(None, count=0, min_support=1)
    if is_due(due_rows) and version not in stored_versions(dbt, session):
        configuration = Configuration.read(due_rows)
        itemsets = basket_itemsets(
            purchased,
            items,
            session=session,
            count=configuration.basket_itemsets,
            min_support=configuration.basket_min_support,
            **dbt.config.meta_get("params"),
        )
    return as_table(session, itemsets.assign(version=version), BASKET_ITEMSET_TYPES)
