"""The itemsets that the segmentation `baskets` is made of, mined for each refit."""

from clientele.frames import as_table, collect, stored_versions
from clientele.rules.telling import BASKET_ITEMSET_TYPES, telling_itemsets
from clientele.segmentation.configuration import Configuration
from clientele.segmentation.drift import is_due


def model(dbt, session):
    due_rows = collect(dbt.ref("ml_segmentation__due"), key="measure")
    version = int(due_rows["version"].max())
    baskets = dbt.ref("feat_baskets")
    count, support = 0, 1.0
    if is_due(due_rows) and version not in stored_versions(dbt, session):
        configuration = Configuration.read(due_rows)
        count, support = configuration.basket_itemsets, configuration.basket_min_support
    itemsets = telling_itemsets(
        baskets, count=count, min_support=support, session=session, **dbt.config.meta_get("params")
    )
    return as_table(session, itemsets.assign(version=version), BASKET_ITEMSET_TYPES)
