"""Which items baskets hold together, in all baskets and in each segment's."""

from clientele.fits import fitted_once


def model(dbt, session):
    def mine(purchased, orders, items, **params):
        from clientele.rules.rule_tables import ITEMSET_TABLE_TYPES, itemset_table

        itemsets = itemset_table(purchased, orders, items, session=session, **params)
        return itemsets, ITEMSET_TABLE_TYPES

    return fitted_once(
        dbt,
        session,
        mine,
        code="clientele.rules",
        source_name=dbt.config.meta_get("source_name"),
        params=dbt.config.meta_get("params"),
        as_of_dates=dbt.ref("int_as_of_dates"),
        purchased=dbt.ref("feat_baskets"),
        orders=dbt.ref("ml_rules__baskets"),
        items=dbt.ref("feat_items"),
    )
