"""Segments stay the same segments over refits."""

import numpy as np
import pandas as pd
import pytest
from versions_of_segments import (
    FEATURES,
    as_reference,
    first_version,
    fitted,
    next_version,
    three_kinds_of_customers,
)

from clientele.segmentation.choosing import RUN_TYPES
from clientele.segmentation.drift import baseline
from clientele.segmentation.refits import current_segments
from clientele.segmentation.versions import version_row


@pytest.fixture(scope="module")
def customers():
    return three_kinds_of_customers()


def test_keys_are_numbered_by_size_at_first(customers):
    parameters = first_version(customers)
    segments = current_segments(customers, as_reference(parameters))
    assert segments.value_counts().index.tolist() == ["behaviour-1", "behaviour-2", "behaviour-3"]


def test_fifty_refits_on_perturbed_customers_keep_keys_and_names(customers):
    """Bootstrap-perturbed data, 1 % more customers, other seeds: the unchanged keep their key."""
    reference = as_reference(first_version(customers, 6))
    before = current_segments(customers, reference)
    names = dict(zip(reference["segment_key"], reference["segment_name"], strict=True))
    agreements = []
    for seed in range(50):
        rng = np.random.default_rng(seed)
        replaced = rng.random(len(customers)) < 0.1
        again = customers[~replaced]
        drawn = customers.sample(
            int(replaced.sum() + 0.01 * len(customers)), replace=True, random_state=seed
        )
        drawn.index = [f"n{seed}-{i}" for i in range(len(drawn))]
        now = pd.concat([again, drawn])
        own = current_segments(now, reference)
        fit = fitted(now, 6, reference=own.map(lambda key: int(key[-1])), seed=seed, starts=3)
        version = next_version(now, reference, fit)
        after = current_segments(again, as_reference(version))
        agreements.append((after == before.loc[again.index]).mean())
        kept = dict(zip(version["segment_key"], version["segment_name"], strict=True))
        assert all(names[key] == name for key, name in kept.items() if key in names)
    assert min(agreements) >= 0.95
    # Raw labels, numbered by size alone, would not do.
    raw = fitted(customers.sample(frac=1, replace=True, random_state=1), 6, seed=5, starts=1)
    assert len(raw)


def test_a_segment_that_splits_keeps_its_key_with_the_larger_part_and_never_reuses_one(customers):
    reference = as_reference(first_version(customers, 3)).assign(last_key=9)
    version = next_version(customers, reference, fitted(customers, 5))
    keys = set(version["segment_key"])
    old = {"behaviour-1", "behaviour-2", "behaviour-3"}
    assert (
        len(keys) == 5
        and keys & old
        and (keys - old) <= {f"behaviour-{i}" for i in (10, 11, 12, 13)}
    )
    assert version.groupby("segment_key")["segment_name"].nunique().eq(1).all()
    assert version.drop_duplicates("segment_key")["segment_name"].is_unique


@pytest.fixture(scope="module")
def reference(customers):
    parameters = as_reference(first_version(customers))
    return parameters.assign(baseline=baseline(customers[FEATURES]))


def version(customers, reference, agreement, **knobs):
    parameters = next_version(customers, reference, fitted(customers, 5))
    run = dict.fromkeys(RUN_TYPES) | {"is_chosen": True, "version": 2}
    asked = pd.DataFrame({"measure": ["age_days", "far_share"], "is_exceeded": [True, False]})
    asked["configuration"] = "{}"
    return version_row(
        "behaviour",
        customers,
        parameters,
        pd.Series(run),
        reference,
        asked,
        agreement=agreement,
        **{"source_name": "shop", "min_agreement": 0.8} | knobs,
    )


def test_promotion_is_refused_below_the_threshold_and_says_why(customers, reference):
    refused = version(customers, reference, 0.7)
    assert refused["is_promoted"] is False
    assert refused["reason"] == (
        "refused: 70.0% of customers would keep their segment, segmentation_min_agreement is 80%"
    )
    assert refused["refit_reason"] == "age_days" and refused["new_segments"]
    promoted = version(customers, reference, 0.8)
    assert promoted["is_promoted"] is True and "80.0%" in promoted["reason"]
    first = version(customers, reference.assign(is_in_force=False), 0.1)
    assert first["is_promoted"] is True
