"""Fit the uplift of each arm of each campaign, and judge it on customers that it has not seen."""

import numpy as np
import pandas as pd

from clientele.campaigns.uplift.judging import DISTINGUISHED, judge
from clientele.campaigns.uplift.learning import fit_uplift, gains

# Customers that each arm must have in each half.
LEAST_CUSTOMERS = 50
FIT_TYPES = {
    "campaign_id": "string",
    "arm": "string",
    "part": "string",
    "name": "string",
    "value": "double",
    "error": "double",
    "share": "double",
    "advantage": "double",
    "advantage_error": "double",
}


def fit_campaigns(members: pd.DataFrame, *, features: list[str], control: str) -> pd.DataFrame:
    """Return the fits of all arms of all campaigns, in the columns of `FIT_TYPES`.

    Args:
        members: A row per campaign and customer: campaign_id, arm, is_held_out, uplift_segment,
            next_order_count, next_amount, order_value (of a usual order, null if unknown),
            monetary, contact_cost, and the features.
        features: Columns that the uplift may depend on.
        control: Name of the arm that was not contacted.

    Each row has a ``part`` and a ``name``:
        `campaign`: `uplift` of orders with its error, `revenue_uplift`, `cost` of a contact,
        `customer_count`, `held_out_count`, `is_distinguished` (1 if the ranking beats chance, 0 if
        not, null with too few customers).
        `slope`: by feature, and `intercept`. `deviation`: by segment, what it adds.
        `segment`: by segment, the shrunk uplift and its error.
        `orders`, `revenue`: by ranking, Qini and what belongs to it.
    """
    rows = []
    for (campaign, arm), of_arm in _arms(members, control):
        known = {"campaign_id": campaign, "arm": arm}
        rows += [known | row for row in fit_arm(of_arm, features=features, control=control)]
    return pd.DataFrame(rows, columns=list(FIT_TYPES))


def fit_arm(members: pd.DataFrame, *, features: list[str], control: str) -> list[dict]:
    """Fit one arm against the control; return its rows, as ``fit_campaigns`` describes them."""
    treated = members["arm"].to_numpy() != control
    held_out = members["is_held_out"].to_numpy(bool)
    counts = [(treated == is_arm)[held_out == half].sum() for is_arm in (0, 1) for half in (0, 1)]
    is_enough = min(counts) >= LEAST_CUSTOMERS
    judged = _judged(members, features, treated, held_out) if is_enough else {}
    distinguished = np.nan
    if is_enough:
        chance = judged["orders"]["random"]
        distinguished = float(chance.advantage > DISTINGUISHED * chance.advantage_error > 0)
    # Scores come from all customers: more of them can only make the fit better.
    orders = _fit(members, features, treated, "next_order_count")
    money = _fit(members, features, treated, "next_amount")
    costs = members["contact_cost"].to_numpy(float)[treated]
    rows = [
        _row("campaign", "uplift", orders.mean, orders.error),
        _row("campaign", "revenue_uplift", money.mean, money.error),
        _row("campaign", "cost", costs.mean()),
        _row("campaign", "customer_count", len(members)),
        _row("campaign", "held_out_count", held_out.sum()),
        _row("campaign", "is_distinguished", distinguished),
        _row("slope", "intercept", orders.trend.intercept),
    ]
    rows += [_row("slope", name, slope) for name, slope in orders.trend.slopes.items()]
    rows += [_row("deviation", name, value) for name, value in orders.deviations.items()]
    for segment in orders.segments.itertuples():
        rows.append(_row("segment", segment.Index, segment.shrunk, segment.shrunk_error))
    for metric, of_metric in judged.items():
        for name, j in of_metric.items():
            row = _row(metric, name, j.qini, j.error)
            row |= {"share": j.share, "advantage": j.advantage}
            rows.append(row | {"advantage_error": j.advantage_error})
    return rows


def _arms(members, control):
    """Yield each arm of each campaign together with the control, in order of their names."""
    for campaign, of_campaign in members.groupby("campaign_id"):
        of_arm = of_campaign["arm"]
        for arm in sorted(set(of_arm) - {control}):
            chosen = of_campaign[of_arm.isin([arm, control])]
            # An arm of one customer has no mean that could be compared.
            if min((chosen["arm"] == arm).sum(), (chosen["arm"] == control).sum()) > 1:
                yield (campaign, arm), chosen


def _fit(members, features, treated, outcome):
    values = members[outcome].to_numpy(float)
    return fit_uplift(members[features], members["uplift_segment"], treated, values)


def _judged(members, features, treated, held_out):
    """Fit on one half, and judge the rankings on the other: by orders, and by revenue."""
    known, later = members[~held_out], members[held_out]
    segments, arm = later["uplift_segment"], treated[held_out]
    orders = _fit(known, features, treated[~held_out], "next_order_count")
    money = _fit(known, features, treated[~held_out], "next_amount")
    uplift = orders.predict(later[features], segments)
    value = later["order_value"].fillna(known["order_value"].mean()).fillna(0.0).to_numpy(float)
    others = {
        "random": np.zeros(len(later)),
        "value": later["monetary"].fillna(0.0).to_numpy(float),
        # Who is least expected to buy, by the customers of the first half.
        "churn risk": -orders.outcome.predict(later[features]),
    }
    judged = {}
    for metric, outcome, fit, score in (
        ("orders", "next_order_count", orders, uplift),
        ("revenue", "next_amount", money, uplift * value),
    ):
        expected = fit.outcome.predict(later[features])
        gain = gains(arm, later[outcome].to_numpy(float), expected)
        judged[metric] = judge(
            {"uplift": score, **others}, gain, "uplift", is_count=metric == "orders"
        )
    return judged


def _row(part, name, value, error=np.nan):
    return {"part": part, "name": name, "value": float(value), "error": float(error)}
