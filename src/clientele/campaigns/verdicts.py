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
NOBODY_BOUGHT = (
    "No one in either arm bought in the window. If that surprises you, check that the campaign's "
    "customer_id is written as in the order lines."
)
UNITS = {"orders": "orders", "conversion": "buyers"}


def verdicts(results: pd.DataFrame, *, currency: str = "") -> pd.DataFrame:
    """Return the results with `verdict`, `verdict_reason` and `needed_customer_count`.

    A result is *worked* if the adjusted difference is above 0 with a p-value, adjusted for the
    number of arms or segments, of at most 5 %. It *did not* work if the 95 % interval is below the
    smallest effect that matters, even if it is above 0: a contact may cost more than it brings.
    Otherwise no one can tell, and the customers are counted that it would take, split as now, until
    the interval is too narrow to hold both 0 and that effect. Amounts are in ``currency``.
    """
    told = [_tell(row, currency) for row in results.to_dict("records")]
    return results.assign(
        verdict=[verdict for verdict, _, _ in told],
        verdict_reason=[reason for _, reason, _ in told],
        needed_customer_count=pd.array([needed for _, _, needed in told], "Int64"),
    )


def _tell(row, currency):
    if not row["is_randomised"]:
        return UNFAIR, _not_randomised(row, currency), None
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
    if not np.isfinite(lower) and row["treated_mean"] == row["control_mean"] == 0:
        return CANNOT_TELL, NOBODY_BOUGHT, None
    if not np.isfinite(lower):
        return CANNOT_TELL, "All customers had the same result.", None
    uplift, relevant = row["adjusted_uplift_per_customer"], row["relevant_uplift"]
    said = f"{_per_customer(row, currency)}, {_range(lower, upper)}"
    if uplift > 0 and row["p_value_adjusted"] <= ALPHA and not upper < relevant:
        return WORKED, f"It brought {said}.{_profit(row, currency)}", None
    if upper < 0:
        return DID_NOT, f"It lowered the result: {said}.", None
    if upper < relevant:
        return (
            DID_NOT,
            f"{said}: less than the {_shown(relevant, sign='')} that would matter."
            f"{_profit(row, currency)}",
            None,
        )
    if lower > 0:
        reason = f"{said}, but many segments or arms were compared:"
        return CANNOT_TELL, f"{reason} one of them looks like that by chance.", None
    reason = f"{said}: nothing and an effect that matters are both possible."
    if not relevant > 0:
        return CANNOT_TELL, reason, None
    count = row["customer_count"] + row["control_customer_count"]
    # An interval that holds both is at least that wide, so that there is always one at least.
    needed = max(1, int(np.ceil(count * ((upper - lower) / relevant) ** 2) - count))
    reason = f"{reason} It would take {needed:,} more customers, split as now."
    return CANNOT_TELL, reason, min(needed, 2_000_000_000)


def _not_randomised(row, currency):
    estimate = row["adjusted_uplift_per_customer"]
    if not np.isfinite(estimate):
        return "Arms were not drawn by chance, and no similar customers can be compared."
    limits = _range(row["adjusted_uplift_lower"], row["adjusted_uplift_upper"])
    said = (
        "Arms were not drawn by chance. Against customers with similar purchases (days since the "
        "last order, orders of half a year, spend of a year), the difference is "
        f"{_per_customer(row, currency)}, {limits}, if the arms differed in nothing else."
    )
    doubts = []
    if row["placebo_p_value"] < ALPHA:
        doubts.append("the same difference was there before the campaign (placebo test failed)")
    if row["balance_gap"] > MAX_GAP:
        doubts.append("the groups still spent differently before")
    if row["compared_share"] < MIN_COMPARED:
        doubts.append(f"only {row['compared_share']:.0%} have a similar customer")
    if not row["is_window_complete"]:
        doubts.append(f"the window is open until {pd.Timestamp(row['window_end_date']).date()}")
    if doubts:
        return f"{said} Do not believe it: {', and '.join(doubts)}."
    return f"{said} The checks on the time before found nothing against it."


def _profit(row, currency):
    profit = row["profit_amount"]
    if not np.isfinite(profit):
        return ""
    lower, upper = _shown(row["profit_lower_amount"]), _shown(row["profit_upper_amount"])
    amount = f"{_shown(profit)} {currency}".strip()
    return f" After its cost: {amount}, between {lower} and {upper}."


def _per_customer(row, currency):
    """Return the uplift per customer with its unit; an amount has the currency."""
    unit = UNITS.get(row["metric"]) or f"{currency} of {row['metric']}".strip()
    return f"{_shown(row['adjusted_uplift_per_customer'])} {unit} per customer"


def _shown(value, sign="+"):
    """Return a number with three significant digits; more would look more certain than it is."""
    rounded = float(f"{value:.2e}")
    decimals = max(0, 2 - int(np.floor(np.log10(abs(rounded))))) if rounded else 0
    return f"{rounded:{sign},.{decimals}f}"


def _range(lower, upper):
    return f"95 % interval {_shown(lower)} to {_shown(upper)}"
