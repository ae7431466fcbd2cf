"""Refits of random tables of 1 to 300 customers of every shape: a version and a reason, always."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
from versions_of_segments import CONFIGURATION, as_reference

from clientele.segmentation import trials
from clientele.segmentation.clustering import assign
from clientele.segmentation.configuration import Configuration
from clientele.segmentation.drift import due
from clientele.segmentation.explaining import conditions_of_all
from clientele.segmentation.measures import bootstrap_stability
from clientele.segmentation.methods import METHODS
from clientele.segmentation.refits import Refit, parameters, runs, version_rows
from clientele.segmentation.scaling import SCALINGS
from clientele.segmentation.sensitivity import sensitivities
from clientele.segmentation.versions import VERSION_PARAMETER_TYPES

MEASURES = ["recency_days", "monetary", "recent_order_count", "unit_price_mean"]
MEASURES += ["basket_unit_count", "basket_product_count", "discount_share", "return_share"]
MEASURES += ["weekend_share", "evening_share", "frequency", "tenure_days"]
ITEMSETS = ["itemset_01", "itemset_02", "itemset_03"]
LABELS = pd.DataFrame({"itemset": ITEMSETS, "label": ["a + b", "c + d", "e + f"]})
TABLES_OF_A_SHAPE = 30
SETTINGS = CONFIGURATION | {
    "feature_sets": {"few": ["recency_days", "monetary"], "many": [*MEASURES[1:6], "frequency"]},
    "cluster_counts": [2, 5],
    "knobs": {"small": "merge", "starts": 2},
}
POLICY = {
    "as_of_date": "2024-06-30",
    "refit": False,
    "refit_days": 180,
    "retry_days": 30,
    "refit_psi": 0.25,
    "refit_far_share": 0.05,
}


def ordinary(rng, count):
    return {name: rng.lognormal(2, 1, count).round(2) for name in MEASURES}


def equal(rng, count):
    return dict.fromkeys(MEASURES, 3.0)


def two_kinds(rng, count):
    kind = rng.integers(2, size=count)
    return {name: kind * 5.0 for name in MEASURES}


def mostly_constant(rng, count):
    return dict.fromkeys(MEASURES, 1.0) | {"monetary": rng.integers(0, 3, count).astype(float)}


def one_giant(rng, count):
    table = ordinary(rng, count)
    return table | {"monetary": np.where(np.arange(count) == 0, 1e9, table["monetary"])}


def nothing(rng, count):
    return dict.fromkeys(MEASURES, 0.0)


def counts_only(rng, count):
    return {name: rng.poisson(1, count).astype(float) for name in MEASURES}


SHAPES = [ordinary, equal, two_kinds, mostly_constant, one_giant, nothing, counts_only]


def customers(rng, count, shape):
    """Today's customers and those of the cut-off, of whom some came back, all, or none."""
    ids = [f"c{i:03}" for i in range(count)]
    today = pd.DataFrame(shape(rng, count) | {"customer_id": ids, "period_number": 0})
    known = int(rng.integers(0, count + 1))
    past = pd.DataFrame(shape(rng, count) | {"customer_id": ids, "period_number": 2}).head(known)
    orders = rng.poisson(rng.choice([0, 0.5, 50]), known)
    past = past.assign(
        as_of_date="2024-01-01",
        forward_order_count=orders.astype(float),
        forward_amount=orders * rng.choice([-1, 10.0]),
    )
    sample = pd.concat([today.assign(as_of_date="2024-06-30"), past], ignore_index=True)
    return sample.assign(rfm_segment_key=rng.choice(["rfm-lost", "rfm-loyal"], len(sample)))


def baskets(rng, sample):
    shares = {name: rng.choice([0, 0, 0.5, 1.0], len(sample)) for name in ITEMSETS}
    if rng.random() < 0.3:
        shares = {name: values * 0 for name, values in shares.items()}
    return sample.assign(version=1, **shares)


def refit_of(samples, reference, configuration):
    today = samples["behaviour"][samples["behaviour"]["period_number"] == 0]
    asked = due(today, reference, configuration=configuration, **POLICY)
    return Refit(samples, asked, reference)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_a_small_table_gets_a_version_and_every_customer_a_segment(shape, monkeypatch):
    # Two rounds show a crash as well as ten.
    monkeypatch.setattr(trials, "bootstrap_stability", partial(bootstrap_stability, rounds=2))
    for seed in range(TABLES_OF_A_SHAPE):
        rng = np.random.default_rng([SHAPES.index(shape), seed])
        count = int(rng.choice([1, 2, 3, 5, 19, 20, 21, *rng.integers(1, 301, 5)]))
        sample = customers(rng, count, shape)
        samples = {"behaviour": sample, "baskets": baskets(rng, sample)}
        settings = SETTINGS | {
            "scaling": rng.choice(SCALINGS),
            "methods": rng.choice(list(METHODS), 2, replace=False).tolist(),
        }
        none_yet = pd.DataFrame(columns=[*VERSION_PARAMETER_TYPES, "is_in_force", "last_version"])
        refit = refit_of(samples, none_yet, settings)
        made = runs(refit)
        # Where all customers are equal there may be no candidate: no clusters of two, all noise.
        for segmentation, own in made.groupby("segmentation"):
            assert own["is_chosen"].sum() == 1, (seed, segmentation)
            chosen = own[own["is_chosen"]].iloc[0]
            assert chosen["verdict"].startswith("chosen: ")
            if not chosen["forward_value"] > 0 and "eligible" not in chosen["verdict"]:
                assert chosen["verdict"].endswith(("beyond chance", "cannot be tested"))
            assert own["verdict"].notna().all()
        fitted = parameters(refit, made, LABELS, new_days=90, active_days=90, lapsed_days=270)
        rows = version_rows(refit, made, fitted, source_name="shop", min_agreement=0.8)
        assert rows["is_promoted"].all() and len(rows) == made["segmentation"].nunique()
        for segmentation, own in fitted.groupby("segmentation"):
            today, _ = refit.customers(segmentation)
            found = assign(today, own)
            assert np.isfinite(found["distance"]).all() and len(found) == count
        # The steps after the fit, for some.
        if seed % 5 == 0 and len(fitted):
            assert sensitivities(refit, fitted)["changed_share"].between(0, 1).all()
            described(today, found["cluster_id"])
        if seed % 5 == 1 and "behaviour" in set(rows["segmentation"]):
            again(samples, fitted, rows, settings)


def described(today, clusters):
    """Every segment has a condition."""
    sample = today[[name for name in MEASURES if name in today]].assign(
        segmentation="any", segment_key=clusters.astype(str), customer_id=today.index
    )
    assert len(conditions_of_all(sample.reset_index(drop=True))) == clusters.nunique()


def again(samples, fitted, rows, settings):
    """The next build finds nothing to do; a refit that is asked for keeps every segment."""
    reference = as_reference(fitted, configuration=Configuration(**settings).text())
    reference = reference.drop(columns="baseline").merge(
        rows[["segmentation", "baseline"]], on="segmentation"
    )
    for name in ("feature_set", "method", "cluster_count"):
        reference[f"version_{name}"] = reference[name]
    refit = refit_of(samples, reference, settings)
    assert not refit.is_due
    refit.is_due = True
    samples["baskets"] = pd.concat(
        [samples["baskets"], samples["baskets"].assign(version=refit.version)]
    )
    made = runs(refit)
    labels = pd.DataFrame(
        {"itemset": [f"itemset_{i:02}" for i in (1, 2, 3)], "label": ["a", "b", "c"]}
    )
    kept = parameters(refit, made, labels, new_days=90, active_days=90, lapsed_days=270)
    assert set(kept["segmentation"]) == set(fitted["segmentation"])
