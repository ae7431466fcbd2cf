"""The learner of uplift and its judgement, where it is known for whom a contact works."""

import numpy as np
import pandas as pd
import pytest

from clientele.campaigns.uplift.fitting import fit_arm, fit_campaigns
from clientele.campaigns.uplift.judging import judge, ranking_weights
from clientele.campaigns.uplift.learning import fit_uplift, gains, segment_effects

FEATURES = ["x_is_single_order", "x_log_frequency", "x_log_recency_days", "x_log_monetary"]


def campaign(seed, customers, uplift, *, share=0.5):
    """Return the members of a campaign; ``uplift`` is a function of orders and days since."""
    rng = np.random.default_rng(seed)
    frequency = rng.geometric(0.4, customers)
    recency = rng.exponential(120, customers)
    value = rng.lognormal(3.5, 0.6, customers)
    treated = rng.random(customers) < share
    true = uplift(frequency, recency)
    usual = np.clip(0.15 * np.sqrt(frequency) * np.exp(-recency / 200), 0, 1)
    orders = rng.poisson(usual) + (treated & (rng.random(customers) < true))
    often = np.select([frequency == 1, frequency <= 3], ["one order", "2 or 3 orders"], "4 or more")
    late = np.select([recency <= 90, recency <= 270], [", active", ", lapsing"], ", lapsed")
    return pd.DataFrame(
        {
            "campaign_id": "c",
            "arm": np.where(treated, "treated", "control"),
            "is_held_out": rng.random(customers) < 0.5,
            "uplift_segment": np.char.add(often.astype(str), late.astype(str)),
            "x_is_single_order": (frequency == 1).astype(float),
            "x_log_frequency": np.log1p(frequency),
            "x_log_recency_days": np.log1p(recency),
            "x_log_monetary": np.log1p(frequency * value),
            "monetary": frequency * value,
            "order_value": value,
            "contact_cost": np.where(treated, 0.5, 0.0),
            "next_order_count": orders,
            "next_amount": orders * value,
            "true": true,
        }
    )


def nowhere(frequency, recency):
    return np.zeros(len(frequency))


def everywhere(frequency, recency):
    return np.full(len(frequency), 0.1)


def second_order(frequency, recency):
    return 0.25 * (frequency == 1)


def middle(frequency, recency):
    return 0.25 * ((recency > 90) & (recency <= 270))


def fitted(members):
    """Return the rows of a fit, indexed by part and name."""
    rows = pd.DataFrame(fit_arm(members, features=FEATURES, control="control"))
    return rows.set_index(["part", "name"])


def scores(rows, members):
    """Score customers as SQL does: intercept, slopes, and the deviation of the segment."""
    slopes = rows.loc["slope", "value"]
    deviation = members["uplift_segment"].map(rows.loc["deviation", "value"]).fillna(0)
    return slopes["intercept"] + members[FEATURES] @ slopes[FEATURES] + deviation


@pytest.mark.parametrize("uplift", [second_order, middle])
def test_planted_differences_are_found_and_ranked_nearly_as_the_truth_ranks(uplift):
    ratios, errors = [], []
    for seed in range(5):
        rows = fitted(campaign(seed, 6000, uplift))
        assert rows.loc[("campaign", "is_distinguished"), "value"] == 1
        # Customers of another day, whom neither half has seen.
        later = campaign(seed + 100, 20_000, uplift)
        weights = {"ours": scores(rows, later), "true": later["true"]}
        qini = {
            n: (ranking_weights(w.to_numpy()) * later["true"]).mean() for n, w in weights.items()
        }
        ratios.append(qini["ours"] / qini["true"])
        errors.append(scores(rows, later).mean() - later["true"].mean())
    assert min(ratios) > 0.85 and np.mean(ratios) > 0.9, ratios
    assert abs(np.mean(errors)) < 0.015, errors


def test_a_ranking_by_value_or_risk_is_worse_where_single_buyers_are_won():
    orders = fitted(campaign(1, 10_000, second_order)).loc["orders"]
    beaten = orders["advantage"] > 1.96 * orders["advantage_error"]
    assert beaten[["random", "value", "churn risk"]].all() and orders.loc["value", "value"] < 0
    assert orders.loc["uplift", "share"] > 0.4 and orders.loc["uplift", "advantage"] == 0


@pytest.mark.parametrize(
    ("uplift", "share"), [(nowhere, 0.5), (everywhere, 0.5), (everywhere, 0.85)]
)
def test_without_differences_none_is_shown(uplift, share):
    """At most 5 % of campaigns; 200 of them, so that 18 is beyond chance."""
    told, covered = [], []
    for seed in range(200):
        members = campaign(seed, 1200, uplift, share=share)
        rows = fitted(members)
        told.append(rows.loc[("campaign", "is_distinguished"), "value"])
        mean = rows.loc[("campaign", "uplift")]
        covered.append(abs(mean["value"] - members["true"].mean()) < 1.96 * mean["error"])
    assert np.sum(told) <= 10, np.sum(told)
    assert np.mean(covered) > 0.89, np.mean(covered)


def test_the_error_of_a_qini_is_its_spread_over_campaigns():
    found = []
    for seed in range(300):
        members = campaign(seed, 1500, second_order)
        treated = (members["arm"] == "treated").to_numpy()
        gain = gains(treated, members["next_order_count"].to_numpy(float), np.full(1500, 0.2))
        rankings = {"true": members["true"], "value": members["monetary"]}
        judged = judge({n: r.to_numpy() for n, r in rankings.items()}, gain, "true", is_count=True)
        j = judged["value"]
        found.append((judged["true"].qini, judged["true"].error, j.advantage, j.advantage_error))
    spread, mean = np.std(found, axis=0), np.mean(found, axis=0)
    assert mean[1] == pytest.approx(spread[0], rel=0.12)
    assert mean[3] == pytest.approx(spread[2], rel=0.12)
    # 0.25 for the 40 % with one order, all of them before everyone else.
    assert mean[0] == pytest.approx(0.25 * 0.4 * 0.6 / 2, rel=0.05)


def test_a_qini_by_hand():
    """Two customers, both treated or not; the better one first is worth a quarter of the gap."""
    gain = np.array([1.0, 0.0, 1.0, 0.0])
    ranked = np.array([2.0, 1.0, 2.0, 1.0])
    judged = judge(
        {"ours": ranked, "against": -ranked, "same": 0 * ranked}, gain, "ours", is_count=False
    )
    assert [judged[name].qini for name in ("ours", "against", "same")] == [0.125, -0.125, 0]
    assert judged["against"].advantage == 0.25 and np.isnan(judged["ours"].share)
    assert judged["same"].error == 0


def test_gains_average_to_the_difference_of_means_whatever_is_expected():
    rng = np.random.default_rng(3)
    treated, outcome = rng.random(400) < 0.3, rng.poisson(1.0, 400).astype(float)
    difference = outcome[treated].mean() - outcome[~treated].mean()
    assert gains(treated, outcome, np.full(400, 5.0)).mean() == pytest.approx(difference)
    with pytest.raises(ValueError, match="fewer than two"):
        gains(np.arange(400) == 0, outcome, outcome)


def test_segments_are_shrunk_by_dersimonian_and_laird():
    """Against the published formulas, written down for three segments."""
    rng = np.random.default_rng(5)
    segments = pd.Series(np.repeat(["a", "b", "c"], [50, 200, 1000]))
    gain = rng.normal(segments.map({"a": 1.0, "b": 0.0, "c": 0.3}).to_numpy(), 2.0)
    found = segment_effects(segments, gain)
    v, y = found["plain_error"] ** 2, found["plain"]
    w = 1 / v
    q = (w * (y - (w * y).sum() / w.sum()) ** 2).sum()
    tau = max(0, (q - 2) / (w.sum() - (w**2).sum() / w.sum()))
    common = ((1 / (v + tau)) * y).sum() / (1 / (v + tau)).sum()
    assert tau > 0
    np.testing.assert_allclose(found["shrunk"], common + tau / (tau + v) * (y - common))
    assert (found["shrunk_error"] < found["plain_error"]).all()
    same = segment_effects(segments, rng.permutation(np.tile([1.0, -1.0], 625)))
    assert same["shrunk"].std() < 0.02


def test_few_customers_have_a_mean_and_no_verdict_and_an_arm_of_one_is_left_out():
    members = campaign(2, 150, second_order)
    rows = fitted(members)
    assert np.isnan(rows.loc[("campaign", "is_distinguished"), "value"])
    assert np.isfinite(rows.loc[("campaign", "uplift"), "value"]) and "orders" not in rows.index
    alone = members.assign(arm=np.where(members.index == 0, "letter", members["arm"]))
    fits = fit_campaigns(alone, features=FEATURES, control="control")
    assert set(fits["arm"]) == {"treated"}
    empty = fit_campaigns(members.head(0), features=FEATURES, control="control")
    assert len(empty) == 0 and "advantage_error" in empty


def test_where_nobody_buys_nothing_is_expected():
    members = campaign(4, 400, nowhere).assign(next_order_count=0, next_amount=0.0)
    rows = fitted(members)
    assert rows.loc[("campaign", "is_distinguished"), "value"] == 0
    assert scores(rows, members).abs().max() == pytest.approx(0, abs=1e-12)


def test_the_womens_mail_of_hillstrom_works_for_those_who_bought_womens(real_data):
    """It lifts visits by 0.0731 [0.0641, 0.0822] among them, by 0.0111 [0.0024, 0.0198] else."""
    mails = pd.read_parquet(real_data("hillstrom/hillstrom.parquet"))
    mails = mails[mails["segment"].isin(["Womens E-Mail", "No E-Mail"])].reset_index(drop=True)
    members = pd.DataFrame(
        {
            "arm": np.where(mails["segment"] == "No E-Mail", "control", "mail"),
            "is_held_out": mails.index % 2 == 1,
            "uplift_segment": mails["history_segment"],
            "x_recency": mails["recency"],
            "x_history": np.log(mails["history"]),
            "x_mens": mails["mens"],
            "x_womens": mails["womens"],
            "x_newbie": mails["newbie"],
            "monetary": mails["history"],
            "order_value": mails["history"],
            "contact_cost": 0.0,
            "next_order_count": mails["visit"],
            "next_amount": mails["spend"],
        }
    )
    features = [name for name in members if name.startswith("x_")]
    rows = pd.DataFrame(fit_arm(members, features=features, control="control"))
    rows = rows.set_index(["part", "name"])
    assert rows.loc[("campaign", "is_distinguished"), "value"] == 1
    orders = rows.loc["orders"]
    beaten = orders["advantage"] > 1.96 * orders["advantage_error"]
    assert beaten[["random", "value", "churn risk"]].all(), orders
    fit = fit_uplift(
        members[features],
        members["uplift_segment"],
        (members["arm"] == "mail").to_numpy(),
        members["next_order_count"].to_numpy(float),
    )
    expected = pd.Series(fit.predict(members[features], members["uplift_segment"]))
    means = expected.groupby(members["x_womens"]).mean()
    assert 0.0641 < means[1] < 0.0822 and 0.0024 < means[0] < 0.0198, means
    # The mail's mean, by Welch: 0.04523 [0.03889, 0.05157].
    assert fit.mean == pytest.approx(0.04523, abs=0.002) and 0.0030 < fit.error < 0.0034
