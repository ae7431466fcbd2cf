"""The rules that the itemsets give, with every measure."""

from clientele.fits import fitted_once
from clientele.frames import collect


def model(dbt, session):
    def derive(itemsets, **params):
        from clientele.rules.rule_tables import ITEMSET_KEY, RULE_TABLE_TYPES, rule_table

        itemsets = collect(itemsets, key=ITEMSET_KEY).reset_index()
        return rule_table(itemsets, **params), RULE_TABLE_TYPES

    return fitted_once(
        dbt,
        session,
        derive,
        code="clientele.rules",
        source_name=dbt.config.meta_get("source_name"),
        params=dbt.config.meta_get("params"),
        as_of_dates=dbt.ref("int_as_of_dates"),
        itemsets=dbt.ref("ml_rules__itemsets"),
    )
