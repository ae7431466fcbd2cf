"""What is said about a campaign, and when."""

import numpy as np
import pandas as pd
import pytest

from clientele.campaigns.results import METRICS, PARTS, RESULT_TYPES, campaign_results
from clientele.campaigns.verdicts import verdicts

FAIR = {
    "metric": "margin", "is_randomised": True, "sample_ratio_p_value": 0.4,
    "is_window_complete": True, "window_end_date": pd.Timestamp("2024-02-01"),
    "customer_count": 1000, "control_customer_count": 1000, "adjusted_uplift_per_customer": 1.0,
    "adjusted_uplift_lower": 0.5, "adjusted_uplift_upper": 1.5, "p_value_adjusted": 0.001,
    "relevant_uplift": 0.4, "profit_amount": 900.0, "profit_lower_amount": 400.0,
    "profit_upper_amount": 1400.0, "balance_gap": np.nan, "placebo_p_value": np.nan,
    "compared_share": np.nan, "treated_mean": 5.0, "control_mean": 4.0,
}  # fmt: skip


def told(**changes):
    """Return verdict, reason and customers needed of a fair result with changes."""
    row = verdicts(pd.DataFrame([FAIR | changes]), currency="EUR").iloc[0]
    return row["verdict"], row["verdict_reason"], row["needed_customer_count"]


@pytest.mark.parametrize(
    ("changes", "verdict", "words"),
    [
        ({}, "worked", "After its cost: +900 EUR, between +400 and +1,400."),
        ({"adjusted_uplift_per_customer": -1.0, "adjusted_uplift_lower": -1.5,
          "adjusted_uplift_upper": -0.5}, "did not", "lowered"),
        ({"adjusted_uplift_per_customer": 0.1, "adjusted_uplift_lower": -0.1,
          "adjusted_uplift_upper": 0.3, "p_value_adjusted": 0.3}, "did not", "less than the"),
        # It brings something, and costs more.
        ({"relevant_uplift": 20.0, "profit_amount": -19000.0, "profit_lower_amount": -19500.0,
          "profit_upper_amount": -18500.0}, "did not", "After its cost: -19,000 EUR"),
        ({"adjusted_uplift_lower": np.nan, "treated_mean": 0.0, "control_mean": 0.0},
         "cannot tell", "No one in either arm bought"),
        ({"sample_ratio_p_value": 1e-5}, "not a fair test", "customers are missing"),
        ({"is_window_complete": False}, "cannot tell", "open until 2024-02-01"),
        ({"customer_count": 29}, "cannot tell", "only 29 customers"),
        ({"p_value_adjusted": 0.06}, "cannot tell", "many segments or arms were compared"),
        ({"adjusted_uplift_lower": np.nan}, "cannot tell", "the same result"),
    ],
)  # fmt: skip
def test_a_verdict_follows_from_the_interval(changes, verdict, words):
    found, reason, _ = told(**changes)
    assert found == verdict and words in reason


@pytest.mark.parametrize(
    ("metric", "numbers", "words"),
    [
        ("margin", (0.8708, 0.40049, 1.3412), "+0.871 EUR of margin per customer, 95 % interval "
         "+0.400 to +1.34."),
        ("revenue", (12.3456, 9.9996, 1234.5), "+12.3 EUR of revenue per customer, 95 % interval "
         "+10.0 to +1,230."),
        ("orders", (0.0456, 0.000123, 0.0911), "+0.0456 orders per customer, 95 % interval "
         "+0.000123 to +0.0911."),
        ("conversion", (0.02, 0.01, 0.03), "+0.0200 buyers per customer"),
    ],
)  # fmt: skip
def test_reasons_have_three_digits_and_amounts_their_currency(metric, numbers, words):
    names = [f"adjusted_uplift_{name}" for name in ("per_customer", "lower", "upper")]
    changes = dict(zip(names, numbers, strict=True)) | {"metric": metric, "profit_amount": np.nan}
    changes["relevant_uplift"] = 0.0
    assert words in told(**changes)[1]
    assert words in told(**changes, is_randomised=False)[1].replace(", if the arms", ".")
    without = verdicts(pd.DataFrame([FAIR | changes])).iloc[0]["verdict_reason"]
    assert words.replace(" EUR", "") in without


def test_what_would_matter_has_no_sign_and_nothing_is_nought():
    _, reason, _ = told(
        adjusted_uplift_per_customer=0.0, adjusted_uplift_lower=-0.1234,
        adjusted_uplift_upper=0.1234, p_value_adjusted=1.0, profit_amount=np.nan,
    )  # fmt: skip
    assert reason == (
        "+0 EUR of margin per customer, 95 % interval -0.123 to +0.123: "
        "less than the 0.400 that would matter."
    )


def test_the_customers_needed_make_the_interval_too_narrow_for_both():
    verdict, reason, needed = told(
        adjusted_uplift_per_customer=0.3, adjusted_uplift_lower=-0.4, adjusted_uplift_upper=1.0,
        p_value_adjusted=0.2,
    )  # fmt: skip
    assert verdict == "cannot tell" and f"{needed:,} more customers" in reason
    # The width shrinks with the root of the number of customers.
    assert 1.4 * np.sqrt(2000 / (2000 + needed)) == pytest.approx(0.4, rel=1e-3)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "found nothing against it"),
        ({"placebo_p_value": 0.01}, "placebo test failed"),
        ({"balance_gap": 0.2}, "still spent differently"),
        ({"compared_share": 0.5}, "only 50% have a similar customer"),
    ],
)
def test_without_randomisation_it_is_no_fair_test_and_doubts_are_told(changes, words):
    good = {"is_randomised": False, "placebo_p_value": 0.5, "balance_gap": 0.01,
            "compared_share": 0.95, "profit_amount": np.nan}  # fmt: skip
    verdict, reason, _ = told(**good | changes)
    assert verdict == "not a fair test" and words in reason
    assert ("Do not believe it" in reason) == bool(changes)


def strata_of(groups):
    """Return the strata of customers: (arm, stratum, orders before, orders after) for each."""
    frame = pd.DataFrame(groups, columns=["arm", "stratum", "before", "after"])
    rows = []
    for (arm, stratum), of in frame.groupby(["arm", "stratum"]):
        row = {"campaign_id": "c", "arm": arm, "stratum": stratum, "is_control": arm == "control",
               "customer_count": len(of), "year_amount": of.before.sum(),
               "year_amount_square": (of.before**2).sum()}  # fmt: skip
        for metric in METRICS:
            y, x = of.after, of.before
            for part, value in zip(PARTS, (y, y * y, x, x * x, x * y), strict=True):
                row[f"{metric}_{part}"] = float(value.sum())
        rows.append(row)
    return pd.DataFrame(rows)


def chosen_customers(rng, count, *, by_habit):
    """Return customers of whom the keen are likelier to be chosen; the effect is 0.2 orders.

    What they are chosen by is their stratum, or with ``by_habit`` a habit that no stratum shows.
    """
    keen, habit = rng.random(count) < 0.3, rng.random(count) < 0.3
    chance = np.where(habit if by_habit else keen, 0.7, 0.1)
    treated = rng.random(count) < chance
    rate = 0.3 + keen + 1.0 * habit
    before = rng.poisson(rate)
    after = rng.poisson(rate + 0.2 * treated)
    names = np.where(keen, "keen", "cool")
    arms = np.where(treated, "treated", "control")
    return list(zip(arms, names, before, after, strict=True))


@pytest.mark.parametrize("by_habit", [False, True])
def test_planted_selection_is_corrected_and_what_cannot_be_corrected_is_told(by_habit):
    rng = np.random.default_rng(8)
    strata = strata_of(chosen_customers(rng, 6000, by_habit=by_habit))
    cells = strata.rename(columns={"stratum": "segment"}).assign(
        earlier_orders="one", is_randomised=False, first_date="2024-01-01", last_date="2024-01-01",
        cost_amount=1.0, window_days=30,
    )  # fmt: skip
    found = campaign_results(cells, strata, as_of_date="2024-03-01", relevant_share=0.05)
    row = found[found["metric"] == "orders"].iloc[0]
    # The naive comparison is wrong either way.
    assert row["uplift_lower"] > 0.3
    held = row["adjusted_uplift_lower"] <= 0.2 <= row["adjusted_uplift_upper"]
    failed = row["placebo_p_value"] < 0.05
    assert (held, failed) == ((False, True) if by_habit else (True, False))
    assert ("placebo test failed" in row["verdict_reason"]) == by_habit
    assert not row["is_randomised"] and found["profit_amount"].isna().all()


def test_no_campaigns_give_no_rows_with_all_columns():
    cells = pd.DataFrame(columns=["campaign_id", "is_randomised", "is_control"])
    strata = pd.DataFrame(columns=["campaign_id"])
    found = campaign_results(cells, strata, as_of_date="2024-01-01", relevant_share=0.05)
    assert list(found) == list(RESULT_TYPES) and found.empty
