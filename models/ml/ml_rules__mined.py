"""Association rules between the products that orders hold together."""

from clientele.rules import mine_rules


def model(dbt, session):
    baskets = dbt.ref("feat_baskets")
    return mine_rules(baskets, session=session, **dbt.config.meta_get("params"))
