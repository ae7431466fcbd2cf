"""What a result means, in words that a marketer can act on."""

import numpy as np
import pandas as pd

WORKED, DID_NOT = "worked", "did not"
CANNOT_TELL, UNFAIR = "cannot tell", "not a fair test"
ALPHA = 0.05
# Chance gives a smaller p-value to one fair campaign in a thousand.
SAMPLE_RATIO_ALPHA = 0.001
# Below, an interval by the normal law means little.
MIN_CUSTOMERS = 30
# Standardised differences above this are called unbalanced, as is usual.
MAX_GAP = 0.1
MIN_COMPARED = 0.8
UNITS = {
    "orders": "orders", "revenue": "revenue", "margin": "margin", "conversion": "buyers",
}  # fmt: skip


def verdicts(results: pd.DataFrame) -> pd.DataFrame:
    """Return the results with `verdict`, `verdict_reason` and `needed_customer_count`.

    A result is *worked* if the adjusted difference is above 0 with a p-value, adjusted for the
    number of arms or segments, of at most 5 %. It *did not* work if the 95 % interval is below the
    smallest effect that matters. Otherwise nobody can tell, and the customers are counted that it
    would take, split as now, until the interval is too narrow to hold both 0 and that effect.
    """
    told = [_tell(row) for row in results.to_dict("records")]
    return results.assign(
        verdict=[verdict for verdict, _, _ in told],
        verdict_reason=[reason for _, reason, _ in told],
        needed_customer_count=pd.array([needed for _, _, needed in told], "Int64"),
    )


def _tell(row):
    if not row["is_randomised"]:
        return UNFAIR, _not_randomised(row), None
    if row["sample_ratio_p_value"] < SAMPLE_RATIO_ALPHA:
        return (
            UNFAIR,
            "The arms are not split as chance would split them (p = "
            f"{row['sample_ratio_p_value']:.1g}): customers are missing from one of them.",
            None,
        )
    if not row["is_window_complete"]:
        day = pd.Timestamp(row["window_end_date"]).date()
        return CANNOT_TELL, f"The window is open until {day}; wait for it.", None
    fewest = min(row["customer_count"], row["control_customer_count"])
    if fewest < MIN_CUSTOMERS:
        return CANNOT_TELL, f"An arm has only {int(fewest)} customers.", None
    lower, upper = row["adjusted_uplift_lower"], row["adjusted_uplift_upper"]
    if not np.isfinite(lower):
        return CANNOT_TELL, "All customers had the same result.", None
    uplift, relevant = row["adjusted_uplift_per_customer"], row["relevant_uplift"]
    said = f"{_shown(uplift)} {UNITS[row['metric']]} per customer, {_range(lower, upper)}"
    if uplift > 0 and row["p_value_adjusted"] <= ALPHA:
        return WORKED, f"It brought {said}.{_profit(row)}", None
    if upper < 0:
        return DID_NOT, f"It lowered the result: {said}.", None
    if upper < relevant:
        return (
            DID_NOT,
            f"{said[0].upper() + said[1:]}: less than the {_shown(relevant)} that would matter.",
            None,
        )
    reason = f"{said[0].upper() + said[1:]}: nothing and an effect that matters are both possible."
    if not relevant > 0:
        return CANNOT_TELL, reason, None
    count = row["customer_count"] + row["control_customer_count"]
    needed = int(np.ceil(count * ((upper - lower) / relevant) ** 2) - count)
    if needed < 1:
        # The interval excludes 0, and only the number of comparisons forbids to say so.
        return CANNOT_TELL, f"{reason} Too many segments or arms were compared.", None
    reason = f"{reason} It would take {needed:,} more customers, split as now."
    return CANNOT_TELL, reason, min(needed, 2_000_000_000)


def _not_randomised(row):
    estimate = row["adjusted_uplift_per_customer"]
    if not np.isfinite(estimate):
        return "Arms were not drawn by chance, and nobody similar can be compared."
    limits = _range(row["adjusted_uplift_lower"], row["adjusted_uplift_upper"])
    said = (
        "Arms were not drawn by chance. Beside customers who had bought alike (days since the last "
        "order, orders of half a year, spend of a year), the difference is "
        f"{_shown(estimate)} {UNITS[row['metric']]} "
        f"per customer, {limits}, if nothing else told them apart."
    )
    doubts = []
    if row["placebo_p_value"] < ALPHA:
        doubts.append("the same difference was there before the campaign (placebo test failed)")
    if row["balance_gap"] > MAX_GAP:
        doubts.append("the groups still spent differently before")
    if row["compared_share"] < MIN_COMPARED:
        doubts.append(f"only {row['compared_share']:.0%} have anybody alike")
    if not row["is_window_complete"]:
        doubts.append(f"the window is open until {pd.Timestamp(row['window_end_date']).date()}")
    if doubts:
        return f"{said} Do not believe it: {', and '.join(doubts)}."
    return f"{said} The checks on the time before found nothing against it."


def _profit(row):
    profit = row["profit_amount"]
    if not np.isfinite(profit):
        return ""
    lower, upper = row["profit_lower_amount"], row["profit_upper_amount"]
    return f" After its cost: {profit:+,.0f}, between {lower:+,.0f} and {upper:+,.0f}."


def _shown(value):
    return f"{value:+,.4f}" if abs(value) < 1 else f"{value:+,.2f}"


def _range(lower, upper):
    return f"95 % interval {_shown(lower)} to {_shown(upper)}"
