"""Whether each rule is as strong in every segment."""

from clientele.fits import fitted_once
from clientele.frames import collect


def model(dbt, session):
    def compare(itemsets, rules):
        from clientele.rules.rule_tables import (
            DIFFERENCE_TABLE_TYPES,
            ITEMSET_KEY,
            difference_table,
        )

        itemsets = collect(itemsets, key=ITEMSET_KEY).reset_index()
        rules = collect(rules, key=["period_number", "rule_key"]).reset_index()
        return difference_table(itemsets, rules), DIFFERENCE_TABLE_TYPES

    return fitted_once(
        dbt,
        session,
        compare,
        code="clientele.rules",
        source_name=dbt.config.meta_get("source_name"),
        params=dbt.config.meta_get("params"),
        as_of_dates=dbt.ref("int_as_of_dates"),
        itemsets=dbt.ref("ml_rules__itemsets"),
        rules=dbt.ref("ml_rules__mined"),
    )
