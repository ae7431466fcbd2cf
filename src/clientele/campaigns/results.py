"""Results of campaigns, one row for each campaign, segment, arm and metric."""

import numpy as np
import pandas as pd

from clientele.campaigns.arithmetic import (
    Sums,
    adjusted_difference,
    difference,
    holm,
    interval,
    sample_ratio,
    weighted_difference,
)
from clientele.campaigns.verdicts import SAMPLE_RATIO_ALPHA, verdicts

METRICS = ["orders", "revenue", "margin", "conversion"]
PARTS = ["y", "yy", "x", "xx", "xy"]
CELL_KEY = ["campaign_id", "arm", "segment", "earlier_orders"]
STRATUM_KEY = ["campaign_id", "arm", "stratum"]
KEY = ["campaign_id", "segment", "arm", "metric"]
# What a customer without a stated segment had bought before the assignment.
BOUGHT = {
    "none": "no earlier order", "one": "one earlier order", "several": "several earlier orders",
}  # fmt: skip
NUMBERS = [
    "treated_mean", "control_mean", "uplift_per_customer", "uplift_lower", "uplift_upper",
    "adjusted_uplift_per_customer", "adjusted_uplift_lower", "adjusted_uplift_upper",
    "uplift_total", "uplift_total_lower", "uplift_total_upper", "p_value", "p_value_adjusted",
    "sample_ratio_p_value", "relevant_uplift", "balance_gap", "placebo_p_value", "compared_share",
    "cost_amount", "profit_amount", "profit_lower_amount", "profit_upper_amount",
]  # fmt: skip
RESULT_TYPES = (
    dict.fromkeys([*KEY, "control_arm", "verdict", "verdict_reason"], "string")
    | dict.fromkeys(["is_randomised", "is_window_complete"], "boolean")
    | dict.fromkeys(["first_assigned_date", "window_end_date"], "date")
    | dict.fromkeys(
        ["window_days", "customer_count", "control_customer_count", "needed_customer_count"], "int"
    )
    | dict.fromkeys(NUMBERS, "double")
)


def campaign_results(
    cells: pd.DataFrame,
    strata: pd.DataFrame,
    *,
    as_of_date,
    relevant_share: float,
    shares: dict[str, dict[str, float]] | None = None,
    currency: str = "",
) -> pd.DataFrame:
    """Return the results of all campaigns, with the columns of ``RESULT_TYPES``.

    Args:
        cells: `feat_campaign_cells`: sums by campaign, arm, segment and earlier orders.
        strata: `feat_campaign_strata`: sums by campaign, arm and stratum of what was bought before,
            of the campaigns that are no experiment.
        as_of_date: Day until which orders are known.
        relevant_share: Smallest effect that matters, as a share of the control's mean.
        shares: Planned share of each arm, by campaign.
        currency: Code that amounts have in the reasons of verdicts.
    """
    found = []
    for campaign_id, rows in cells.groupby("campaign_id", sort=True):
        of_strata = strata[strata["campaign_id"] == campaign_id]
        is_randomised = bool(rows["is_randomised"].all() and rows["is_control"].any())
        if is_randomised:
            results = _experiment(rows, (shares or {}).get(campaign_id))
        else:
            results = _comparison(rows, of_strata)
        if results is None:
            continue
        last = pd.Timestamp(rows["last_date"].max())
        window = int(rows["window_days"].iloc[0])
        end = last + pd.Timedelta(days=window - 1)
        found.append(
            results.assign(
                campaign_id=campaign_id,
                is_randomised=is_randomised,
                first_assigned_date=pd.Timestamp(rows["first_date"].min()),
                window_days=window,
                window_end_date=end,
                is_window_complete=end <= pd.Timestamp(as_of_date),
            )
        )
    if not found:
        return pd.DataFrame(columns=list(RESULT_TYPES))
    results = pd.concat(found, ignore_index=True)
    results["relevant_uplift"] = _relevant(results, relevant_share)
    results = verdicts(results, currency=currency)
    order = results["metric"].map(METRICS.index)
    results = results.assign(order=order).sort_values(["campaign_id", "segment", "arm", "order"])
    return results[list(RESULT_TYPES)].reset_index(drop=True)


def sums_of(rows: pd.DataFrame, metric: str) -> Sums:
    """Return the sums of a metric, one element for each row."""
    parts = {part: rows[f"{metric}_{part}"].to_numpy(float) for part in PARTS}
    return Sums(rows["customer_count"].to_numpy(float), **parts)


def _relevant(results, share):
    """Return the smallest uplift per customer that matters: what the contact costs, or a share."""
    cost = results["cost_amount"] / results["customer_count"]
    of_mean = share * results["control_mean"].clip(lower=0)
    return np.where(results["metric"] == "margin", np.fmax(cost, of_mean), of_mean)


def _segments(rows):
    """Return the rows by segment: as stated, else by what was bought before, and all together."""
    stated = rows["segment"].fillna("")
    named = stated.where(stated != "", rows["earlier_orders"].map(BOUGHT))
    return pd.concat([rows.assign(segment="all"), rows.assign(segment=named)])


def _experiment(rows, shares):
    control_arm = rows.loc[rows["is_control"], "arm"].iloc[0]
    columns = ["customer_count", "cost_amount"]
    columns += [f"{metric}_{part}" for metric in METRICS for part in PARTS]
    by_segment = _segments(rows)
    keys = ["segment", "arm", "is_control"]
    # A cost that is not stated stays unknown.
    grouped = by_segment.groupby(keys, sort=True)[columns].sum(min_count=1).reset_index()
    counts = grouped[grouped["segment"] != "all"].pivot_table(
        index="arm", columns="segment", values="customer_count", fill_value=0
    )
    planned = [shares.get(arm, 0.0) for arm in counts.index] if shares else None
    ratio = sample_ratio(counts.to_numpy(), planned)
    pairs = grouped[~grouped["is_control"]].merge(
        grouped[grouped["is_control"]], on="segment", suffixes=("", "_control")
    )
    if pairs.empty:
        return None
    results = []
    for metric in METRICS:
        treated = sums_of(pairs, metric)
        renamed = pairs[[f"{name}_control" for name in columns]]
        control = sums_of(renamed.set_axis(columns, axis=1), metric)
        plain, adjusted = difference(treated, control), adjusted_difference(treated, control)
        table = pd.DataFrame(
            {
                "segment": pairs["segment"], "arm": pairs["arm"], "metric": metric,
                "control_arm": control_arm,
                "customer_count": pairs["customer_count"],
                "control_customer_count": pairs["customer_count_control"],
                "treated_mean": treated.y / treated.n, "control_mean": control.y / control.n,
                "cost_amount": pairs["cost_amount"],
            }
        )  # fmt: skip
        results.append(table.assign(**_estimates(plain, adjusted, treated.n)))
    table = pd.concat(results, ignore_index=True)
    table["sample_ratio_p_value"] = ratio
    table["balance_gap"] = table["placebo_p_value"] = table["compared_share"] = np.nan
    table["p_value_adjusted"] = _over_families(table)
    may_claim = (table["metric"] == "margin") & (not ratio < SAMPLE_RATIO_ALPHA)
    has_interval = np.isfinite(table["uplift_total_lower"])
    for end in ("", "_lower", "_upper"):
        profit = table[f"uplift_total{end}"] - table["cost_amount"]
        table[f"profit{end}_amount"] = np.where(may_claim & has_interval, profit, np.nan)
    return table


def _estimates(plain, adjusted, count):
    return {
        "uplift_per_customer": plain.estimate,
        "uplift_lower": plain.lower,
        "uplift_upper": plain.upper,
        "adjusted_uplift_per_customer": adjusted.estimate,
        "adjusted_uplift_lower": adjusted.lower,
        "adjusted_uplift_upper": adjusted.upper,
        "uplift_total": adjusted.estimate * count,
        "uplift_total_lower": adjusted.lower * count,
        "uplift_total_upper": adjusted.upper * count,
        "p_value": adjusted.p_value,
    }


def _over_families(table):
    """Return Holm's p-values over the arms of the whole, and over an arm's segments."""
    adjusted = pd.Series(np.nan, index=table.index)
    whole = table["segment"] == "all"
    families = [
        *table[whole].groupby("metric").groups.values(),
        *table[~whole].groupby(["metric", "arm"]).groups.values(),
    ]
    for family in families:
        adjusted[family] = holm(table.loc[family, "p_value"].to_numpy())
    return adjusted


def _comparison(rows, strata):
    """Compare those treated with similar customers, by strata of what was bought before.

    The plain difference is the naive one. Only strata with at least two customers on both sides
    count; `compared_share` is their share of those treated.
    """
    control = strata[strata["is_control"]].set_index("stratum")
    results = []
    for arm, treated in strata[~strata["is_control"]].groupby("arm"):
        treated = treated.set_index("stratum")
        common = treated.index.intersection(control.index)
        common = common[
            (treated.loc[common, "customer_count"] >= 2).to_numpy()
            & (control.loc[common, "customer_count"] >= 2).to_numpy()
        ]
        t, c = treated.loc[common], control.loc[common]
        count, share = int(treated["customer_count"].sum()), np.nan
        costs = rows.loc[rows["arm"] == arm, "cost_amount"]
        shared = {
            "segment": "all", "arm": arm, "control_arm": control["arm"].iloc[0] if len(c) else None,
            "customer_count": count,
            "control_customer_count": int(control["customer_count"].sum()),
            "cost_amount": costs.sum(min_count=1),
        }  # fmt: skip
        gap = placebo = np.nan
        if len(common):
            share = t["customer_count"].sum() / count
            gap, placebo = _balance(t, c), _placebo(t, c)
        for metric in METRICS:
            naive = difference(
                sums_of(treated.sum(numeric_only=True).to_frame().T, metric),
                sums_of(control.sum(numeric_only=True).to_frame().T, metric),
            )
            estimate = error = np.nan
            if len(common):
                estimate, error, _ = weighted_difference(
                    t["customer_count"].to_numpy(float), sums_of(t, metric), sums_of(c, metric)
                )
            freedom = max(t["customer_count"].sum() + c["customer_count"].sum() - 2, 1)
            weighted = interval(np.array([estimate]), np.array([error]), np.array([freedom]))
            numbers = {k: float(v[0]) for k, v in _estimates(naive, weighted, count).items()}
            results.append(
                shared | numbers | {
                    "metric": metric,
                    "treated_mean": treated[f"{metric}_y"].sum() / count,
                    "control_mean": control[f"{metric}_y"].sum()
                    / max(control["customer_count"].sum(), 1),
                    "balance_gap": gap, "placebo_p_value": placebo, "compared_share": share,
                }
            )  # fmt: skip
    if not results:
        return None
    table = pd.DataFrame(results)
    unknown = ["sample_ratio_p_value", "profit_amount", "profit_lower_amount"]
    table = table.assign(**dict.fromkeys([*unknown, "profit_upper_amount"], np.nan))
    return table.assign(p_value_adjusted=_over_families(table))


def _balance(treated, control):
    """Return the standardised difference of the year's spend before, after weighting."""
    weight = (treated["customer_count"] / treated["customer_count"].sum()).to_numpy()
    means, squares = [], []
    for arm in (treated, control):
        mean = (arm["year_amount"] / arm["customer_count"]).to_numpy()
        square = (arm["year_amount_square"] / arm["customer_count"]).to_numpy()
        means.append((weight * mean).sum())
        squares.append((weight * square).sum())
    spread = np.sqrt(max((squares[0] - means[0] ** 2 + squares[1] - means[1] ** 2) / 2, 0))
    return float(abs(means[0] - means[1]) / spread) if spread > 0 else 0.0


def _placebo(treated, control):
    """Return the p-value of an effect on the window before, when there was nothing to have one."""
    names = {f"orders_{part}": f"orders_{other}" for part, other in [("x", "y"), ("xx", "yy")]}
    sides = []
    for arm in (treated, control):
        earlier = arm.drop(columns=list(names.values())).rename(columns=names)
        sides.append(sums_of(earlier.assign(orders_x=0.0, orders_xx=0.0), "orders"))
    estimate, error, _ = weighted_difference(treated["customer_count"].to_numpy(float), *sides)
    count = treated["customer_count"].sum() + control["customer_count"].sum()
    found = interval(np.array([estimate]), np.array([error]), np.array([max(count - 2, 1)]))
    return float(found.p_value[0])
