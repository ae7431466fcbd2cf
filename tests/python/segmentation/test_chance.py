"""Segments that predict nothing are found out, and segments that predict are not."""

import numpy as np
import pandas as pd

from clientele.segmentation.trials import tried

SETTINGS = {
    "feature_sets": {"all": ["recency_days", "frequency", "monetary"], "few": ["weekend_share"]},
    "methods": ["kmeans"],
    "cluster_counts": [2, 3, 4, 5],
    "scaling": "log1p",
    "random_seed": 1,
    "min_share": 0.02,
    "knobs": {"starts": 2},
}


def shop(seed, count, signal):
    """Two days of customers, some of whom bought recently and some long ago.

    ``signal`` is the weight of that in what they did next.
    """
    rng = np.random.default_rng(seed)
    recently = rng.random(count) < 0.5
    frame = pd.DataFrame(
        {
            "recency_days": np.where(
                recently, rng.integers(1, 60, count), rng.integers(200, 400, count)
            ),
            "frequency": 1.0 + rng.poisson(rng.gamma(0.5, 6, count)),
            "monetary": rng.lognormal(5, 1.2, count),
            "weekend_share": rng.beta(0.5, 0.5, count),
        },
        index=[f"c{number:05}" for number in range(count)],
    ).rename_axis("customer_id")
    alive = rng.random(count) < 0.5 + signal * recently - signal / 2
    amount = np.where(alive, rng.lognormal(4, 1.5, count), 0)
    outcomes = {"forward_amount": amount, "forward_order_count": alive.astype(float)}
    groups = np.where(recently, "rfm-loyal", "rfm-lost")
    return frame, frame.assign(**outcomes, rfm_segment_key=groups)


def chosen(seed, count, signal):
    runs = tried(*shop(seed, count, signal), **SETTINGS)
    return runs[runs["is_chosen"]].iloc[0]


def test_segments_that_predict_nothing_rarely_pass_for_more():
    found = [chosen(seed, 300, 0)["is_predictive"] for seed in range(20)]
    assert sum(found) <= 2


def test_segments_that_predict_are_said_to():
    for seed in range(3):
        row = chosen(seed, 300, 0.5)
        assert row["is_predictive"] and row["verdict"].startswith("chosen: best mean rank")
