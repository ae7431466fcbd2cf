"""Parameters of the purchase and the spend model, with their standard errors."""

from clientele.clv import fit_clv
from clientele.frames import collect


def model(dbt, session):
    histories = collect(dbt.ref("feat_customers__clv_sample"), key="customer_id")
    return fit_clv(histories.rename(columns={"t": "T"}), **dbt.config.meta_get("params"))
