"""Association rules: which items occur in the same baskets, and whether that is chance."""

import json

import numpy as np
import pandas as pd

from clientele.rules.families import Family
from clientele.rules.itemsets import Itemsets, find_itemsets
from clientele.rules.measures import measure
from clientele.rules.types import ASSOCIATION_RULE_TYPES, typed

ITEMSET_DTYPES = {
    "items": "str",
    "length": "int64",
    "order_count": "int64",
    "basket_count": "int64",
    "support": "float64",
}
# Measured: docs/methods/rules.md, "What is refused".
MAX_CANDIDATE_RULES = 10_000_000


def mine_rules(
    baskets,
    *,
    min_support: float,
    min_confidence: float,
    max_length: int | None = None,
    engine: str = "auto",
    session=None,
    **knobs,
) -> pd.DataFrame:
    """Return the association rules between the items of ``baskets``.

    Arguments and errors are those of `find_itemsets` and `association_rules`; ``max_length`` is
    the most items in a rule, both sides together.

    Example:
        >>> frame = pd.DataFrame({"basket_id": [1, 1, 2, 2, 3], "item": list("ababc")})
        >>> rules = mine_rules(frame, min_support=0.5, min_confidence=0.9)
        >>> rules[["antecedent", "consequent", "confidence", "lift"]].values.tolist()
        [['a', 'b', 1.0, 1.5], ['b', 'a', 1.0, 1.5]]
    """
    _check(min_confidence, max_length)
    mined = find_itemsets(
        baskets, min_support=min_support, max_length=max_length, engine=engine, session=session,
        **knobs,
    )  # fmt: skip
    return association_rules(mined, min_confidence=min_confidence)


def _check(min_confidence: float, max_length: int | None) -> None:
    if not 0 <= min_confidence <= 1:
        raise ValueError(f"min_confidence={min_confidence} is no share: give one in [0, 1]")
    if max_length is not None and max_length < 2:
        raise ValueError(f"max_length={max_length} leaves no rule, which has two sides: give >= 2")


def association_rules(
    mined: Itemsets, *, min_confidence: float, interval: float = 0.95
) -> pd.DataFrame:
    """Return the rules that frequent itemsets give in each scope, highest lift first in each.

    A rule splits a set that is frequent in the scope into an antecedent and a consequent. At least
    ``min_confidence`` (a share in [0, 1]) of the baskets with the antecedent hold the consequent.
    Columns are `clientele.rules.types.ASSOCIATION_RULE_TYPES`. ``scope`` is `all` or a segment.
    ``antecedent`` and ``consequent`` are the sorted items joined by ", " for readers;
    ``antecedent_items`` and ``consequent_items`` hold them as JSON arrays, which stay unambiguous
    if a name has a comma. ``order_count``, ``antecedent_count`` and ``consequent_count`` are exact
    numbers of baskets out of ``basket_count``. The measures follow from them:

    - ``conviction`` is null if no basket contradicts the rule (it would be infinite), ``zhang`` if
      both sides are in every basket. Zhang's metric, Jaccard and Kulczynski: P.-N. Tan, V. Kumar,
      J. Srivastava: Selecting the Right Objective Measure for Association Analysis. Information
      Systems 29 (2004);
    - ``lift_lower`` and ``lift_upper`` are the bounds of `clientele.rules.measures.lift_interval`;
    - ``p_value`` is that of Fisher's exact test (`clientele.rules.significance.fisher_p_values`).
      ``p_value_adjusted`` is adjusted (`adjusted`, there) for every pair of a frequent left and a
      frequent right side of the scope, whether or not the pair occurs often enough to be a rule. So
      the number of tests does not depend on their outcome;
    - ``improvement`` is the confidence less that of the best shorter antecedent, the empty one
      included (R. Bayardo, R. Agrawal, D. Gunopulos: Constraint-Based Rule Mining in Large, Dense
      Databases. DMKD 4, 2000). ``is_redundant``: a shorter antecedent of at least one item is at
      least as confident;
    - ``is_closed``: no larger mined set is in as many baskets as the rule's items together;
      ``is_maximal``: no larger mined set is frequent;
    - ``holdout_...``: the same counts and lift in the baskets held out; null without such baskets.

    Raises:
        ValueError: ``min_confidence`` out of range, or too many candidate rules.
    """
    _check(min_confidence, None)
    subsets = mined.subsets()
    scopes = enumerate(mined.scopes.itertuples())
    parts = [
        part
        for number, scope in scopes
        for part in _splits(mined, subsets, number, scope, min_confidence)
    ]
    if not parts:
        return typed(pd.DataFrame(), ASSOCIATION_RULE_TYPES)
    # Columns are arrays, because a frame of each part would take most of the time of a small shop.
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    n = columns["basket_count"]
    both, left, right = (columns[f"{c}_count"] for c in ("order", "antecedent", "consequent"))
    columns |= measure(both, left, right, n, interval)
    shorter = columns.pop("best_shorter")
    columns["improvement"] = columns["confidence"] - np.fmax(shorter, right / n)
    columns["is_redundant"] = shorter >= columns["confidence"]
    later = [f"holdout_{c}_count" for c in ("order", "antecedent", "consequent", "basket")]
    b, a, c, total = (columns[name].astype(float) for name in later)
    with np.errstate(divide="ignore", invalid="ignore"):
        columns["holdout_lift"] = np.where(a * c > 0, b * total / (a * c), np.nan)
    rules = pd.DataFrame(columns)
    if not mined.cells["is_holdout"].any():
        rules[later] = np.nan
    rules = rules.sort_values(
        ["scope_number", "lift", "confidence", "order_count", "antecedent_items",
         "consequent_items"],
        ascending=[True, False, False, False, True, True],
        ignore_index=True,
    )  # fmt: skip
    return typed(rules, ASSOCIATION_RULE_TYPES)


def _splits(mined, subsets, number, scope, min_confidence) -> list[dict[str, np.ndarray]]:
    """Return the columns of a scope's rules, a part per length of set and way to split it."""
    n = int(scope.basket_count)
    mined_cells = mined.members(scope.segment)
    held_out = mined.members(scope.segment, holdout=True)
    holdout_count = int(mined.cells["basket_count"].to_numpy()[held_out].sum())
    family = Family(mined, subsets, mined_cells, held_out, int(scope.min_count))
    candidate_count = sum(len(sets) * (2**k - 2) for k, sets in family.levels())
    if candidate_count > MAX_CANDIDATE_RULES:
        raise ValueError(
            f"{len(family):,} frequent itemsets of up to {len(family.sets)} items give "
            f"{candidate_count:,} candidate rules, more than {MAX_CANDIDATE_RULES:,}: "
            "lower max_length or raise min_support"
        )
    p_values = family.adjusted_p_values(n)
    parts = []
    for k, sets in family.levels():
        best, full = family.best[k - 1], 2**k - 1
        counts, later = family.counts[k - 1], family.holdouts[k - 1]
        closed, maximal = family.closed_and_maximal(k)
        for mask in range(1, full):
            both, left, right = counts[:, full], counts[:, mask], counts[:, full ^ mask]
            kept = np.flatnonzero(both / left >= min_confidence)
            if not len(kept):
                continue
            raw, corrected = p_values[k, min(mask, full ^ mask)]
            part = {
                "scope_number": np.full(len(kept), number),
                "scope": np.full(len(kept), scope.segment or "all", dtype=object),
                "order_count": both[kept],
                "antecedent_count": left[kept],
                "consequent_count": right[kept],
                "basket_count": np.full(len(kept), n),
                "p_value": raw[kept],
                "p_value_adjusted": corrected[kept],
                "best_shorter": best[kept, mask],
                "is_closed": closed[kept],
                "is_maximal": maximal[kept],
                "holdout_order_count": later[kept, full],
                "holdout_antecedent_count": later[kept, mask],
                "holdout_consequent_count": later[kept, full ^ mask],
                "holdout_basket_count": np.full(len(kept), holdout_count),
            }
            for side, bits in (("antecedent", mask), ("consequent", full ^ mask)):
                members = [j for j in range(k) if bits >> j & 1]
                names = _names(mined.labels, sets[kept][:, members])
                part[side] = np.array([", ".join(items) for items in names], dtype=object)
                part[f"{side}_items"] = np.array([as_json(items) for items in names], dtype=object)
                part[f"{side}_length"] = np.full(len(kept), len(members))
            parts.append(part)
    return parts


def _names(labels: np.ndarray, sets: np.ndarray) -> list[list[str]]:
    return [sorted(names) for names in labels[sets].tolist()]


# Made once, because `json.dumps` makes a new one in each call.
as_json = json.JSONEncoder(ensure_ascii=False).encode


def frequent_itemsets(
    baskets,
    *,
    min_support: float,
    max_length: int | None = None,
    engine: str = "auto",
    session=None,
    **knobs,
) -> pd.DataFrame:
    """Return the sets of items that at least ``min_support`` of all baskets hold together.

    Arguments and errors as in `find_itemsets`. Returns a row per itemset: ``items`` (JSON array,
    sorted), ``length``, ``order_count`` (baskets with all of them), ``basket_count``, ``support``;
    short and frequent ones first.
    """
    mined = find_itemsets(
        baskets, min_support=min_support, max_length=max_length, engine=engine, session=session,
        **knobs,
    )  # fmt: skip
    n, parts = mined.basket_count, []
    cells = mined.members(None)
    for length, (sets, counts) in enumerate(zip(mined.sets, mined.counts, strict=True), start=1):
        held = counts[:, cells].sum(axis=1)
        kept = held >= mined.scopes["min_count"].iloc[0] if len(mined.scopes) else held > 0
        items = map(as_json, _names(mined.labels, sets[kept]))
        parts.append(pd.DataFrame({"items": items, "length": length, "order_count": held[kept]}))
    frame = pd.concat(parts).assign(basket_count=n)
    frame["support"] = frame["order_count"] / max(n, 1)
    frame = frame.sort_values(
        ["length", "order_count", "items"], ascending=[True, False, True], ignore_index=True
    )
    return frame[list(ITEMSET_DTYPES)].astype(ITEMSET_DTYPES)
