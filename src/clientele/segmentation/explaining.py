"""Explain segments: a condition that reads as SQL."""

import numpy as np
import pandas as pd

from clientele.libraries import library

CONDITION_TYPES = {
    "segmentation": "string",
    "segment_key": "string",
    "sql_rule": "string",
    "rule_precision": "double",
    "rule_recall": "double",
    "rule_fidelity": "double",
}


def segment_conditions(measures: pd.DataFrame, segments: pd.Series) -> pd.DataFrame:
    """Return a readable rule for each segment, with its accuracy.

    A decision tree of depth 4 over ``measures`` (columns of `fct_customer_features`) separates
    each segment from all other customers. The rule is the path to the node with the best F1, at
    most 4 comparisons. Thresholds are rounded as far as F1 stays within 0.002. Returns a row per
    segment: ``sql_rule`` (a condition for a where clause, such as ``recency_days <= 90``),
    ``rule_precision`` (the share of the customers it selects who are members), ``rule_recall``
    (the share of the members that it selects) and ``rule_fidelity`` (the share of all customers
    for whom rule and segment agree).
    """
    values = measures.to_numpy(dtype=float)
    rows = []
    for key in sorted(segments.unique()):
        members = (segments == key).to_numpy()
        path = _best_path(values, members) if not members.all() else []
        conditions, selected = _rounded(values, members, path)
        hits = (selected & members).sum()
        rows.append(
            {
                "segment_key": key,
                "sql_rule": _as_sql(measures.columns, conditions),
                "rule_precision": hits / selected.sum(),
                "rule_recall": hits / members.sum(),
                "rule_fidelity": (selected == members).mean(),
            }
        )
    return pd.DataFrame(rows, columns=list(CONDITION_TYPES)[1:])


def conditions_of_all(sample: pd.DataFrame) -> pd.DataFrame:
    """Return `segment_conditions` of every segmentation; ``sample`` has a row per customer."""
    parts = []
    for segmentation, own in sample.groupby("segmentation"):
        measures = own.drop(columns=["segmentation", "customer_id", "segment_key"])
        own_rules = segment_conditions(measures, own["segment_key"])
        parts.append(own_rules.assign(segmentation=segmentation))
    return pd.concat(parts) if parts else pd.DataFrame(columns=list(CONDITION_TYPES))


def _best_path(values, members) -> list[tuple[int, bool, float]]:
    """Return the comparisons (column, is greater, threshold) on the path to the best node."""
    classifier = library("sklearn.tree").DecisionTreeClassifier
    tree = classifier(max_depth=4, class_weight="balanced", random_state=0)
    tree = tree.fit(values, members).tree_
    best, best_f1 = [], -1.0
    stack = [(0, [], np.ones(len(values), dtype=bool))]
    while stack:
        node, path, selected = stack.pop()
        f1 = _f1(selected, members)
        if path and f1 > best_f1:
            best, best_f1 = path, f1
        if tree.children_left[node] >= 0:
            column, threshold = int(tree.feature[node]), float(tree.threshold[node])
            greater = values[:, column] > threshold
            for child, side, mask in (
                (tree.children_right[node], True, greater),
                (tree.children_left[node], False, ~greater),
            ):
                stack.append((child, [*path, (column, side, threshold)], selected & mask))
    return best


def _f1(selected, members) -> float:
    return 2 * (selected & members).sum() / max(selected.sum() + members.sum(), 1)


def _rounded(values, members, path):
    """Join comparisons of the same column, and round thresholds to the fewest sufficient digits."""
    merged = {}
    for column, greater, threshold in path:
        keep = max if greater else min
        merged[column, greater] = keep(threshold, merged.get((column, greater), threshold))
    conditions = [(column, greater, limit) for (column, greater), limit in merged.items()]

    def matching(limits):
        selected = np.ones(len(values), dtype=bool)
        for column, greater, limit in limits:
            selected &= (values[:, column] > limit) == greater
        return selected

    exact = _f1(matching(conditions), members)
    for digits in (2, 3, 4, 6, 17):
        tried = []
        for column, greater, limit in conditions:
            whole = (values[:, column] == np.floor(values[:, column])).all()
            tried.append(
                (column, greater, np.floor(limit) if whole else float(f"{limit:.{digits}g}"))
            )
        selected = matching(tried)
        if selected.any() and _f1(selected, members) >= exact - 0.002:
            break
    return tried, selected


def _as_sql(columns, conditions) -> str:
    words = []
    for column, greater, limit in conditions:
        number = np.format_float_positional(limit, trim="-")
        words.append(f"{columns[column]} {'>' if greater else '<='} {number}")
    return " and ".join(words) or "1 = 1"
