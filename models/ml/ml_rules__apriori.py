"""Association rules between the products of the sampled baskets."""

from clientele.frames import collect
from clientele.rules import apriori_rules


def model(dbt, session):
    baskets = collect(dbt.ref("feat_baskets__rules_sample"), key=["basket_id", "item"])
    return apriori_rules(baskets.reset_index(), **dbt.config.meta_get("params"))
