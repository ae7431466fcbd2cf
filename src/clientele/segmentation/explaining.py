"""Say what segments are: a name, and a rule that reads as SQL."""

import numpy as np
import pandas as pd
from sklearn.tree import DecisionTreeClassifier

from clientele.segmentation.clustering import NOISE

# What a segment can be named after beside its value and state: column, words for low and high.
TRAITS = {
    "unit_price_mean": ("low prices", "high prices"),
    "basket_unit_count": ("few units per order", "many units per order"),
    "basket_product_count": ("few products per order", "many products per order"),
    "discount_share": ("few discounts", "many discounts"),
    "return_share": ("few returns", "many returns"),
    "weekend_share": ("not at weekends", "at weekends"),
    "evening_share": ("not in the evening", "in the evening"),
    "frequency": ("few orders", "many orders"),
    "tenure_days": ("newer customers", "long-standing customers"),
}
# Cohen's d from which a difference counts as large (Statistical Power Analysis, 1988).
LARGE = 0.8
RULE_TYPES = {
    "segmentation": "string",
    "segment_key": "string",
    "sql_rule": "string",
    "rule_precision": "double",
    "rule_recall": "double",
    "rule_fidelity": "double",
}


def difference(values: np.ndarray, members: np.ndarray) -> float:
    """Return the standardised difference (Cohen's d) of ln(1 + value), members less the rest."""
    logs = np.log1p(values)
    inside, outside = np.sort(logs[members]), np.sort(logs[~members])
    if not len(inside) or not len(outside):
        return 0.0
    spread = np.sqrt((len(inside) * inside.var() + len(outside) * outside.var()) / len(logs))
    return float((inside.mean() - outside.mean()) / spread) if spread > 1e-9 else 0.0


def behaviour_names(
    measures: pd.DataFrame, clusters: pd.Series, *, active_days: int, lapsed_days: int
) -> dict[int, str]:
    """Name each cluster after its value, its state and, where it is large, its main trait.

    Value: mean ``monetary`` at least 1.5 times the mean of all is high, below half low. State:
    mean ``recency_days`` up to ``active_days`` active, up to ``lapsed_days`` cooling. The trait
    is the measure of `TRAITS` with the largest standardised difference from everybody else, if
    that is 0.8 or if names would else be equal. Names that are still equal get the next trait.
    """
    overall = measures["monetary"].mean()
    plain, traits = {}, {}
    for cluster in sorted(set(clusters) - {NOISE}):
        members = (clusters == cluster).to_numpy()
        ratio = measures["monetary"][members].mean() / overall if overall else 1
        recency = measures["recency_days"][members].mean()
        value = "High value" if ratio >= 1.5 else "Low value" if ratio < 0.5 else "Mid value"
        state = (
            "active" if recency <= active_days
            else "cooling" if recency <= lapsed_days
            else "lapsed"
        )  # fmt: skip
        plain[cluster] = f"{value}, {state}"
        found = {name: difference(measures[name].to_numpy(), members) for name in TRAITS}
        traits[cluster] = sorted(found.items(), key=lambda item: (-abs(item[1]), item[0]))
    names = dict(plain)
    shared = {name for name in plain.values() if list(plain.values()).count(name) > 1}
    for cluster, base in plain.items():
        for trait, by in traits[cluster]:
            if abs(by) < LARGE and (base not in shared or by == 0):
                break
            name = f"{base}, {TRAITS[trait][by > 0]}"
            if name not in names.values():
                names[cluster] = name
                break
    return names


def basket_names(
    shares: pd.DataFrame, clusters: pd.Series, labels: dict[str, str]
) -> dict[int, str]:
    """Name each cluster after the itemset that it buys most beyond the rest.

    ``shares`` holds the share of each customer's baskets that hold an itemset; ``labels`` says
    which products an itemset is.
    """
    names = {}
    for cluster in sorted(set(clusters) - {NOISE}):
        members = (clusters == cluster).to_numpy()
        inside = shares[members].mean()
        outside = shares[~members].mean() if (~members).any() else inside * 0
        beyond = (inside - outside).sort_values(ascending=False, kind="stable")
        top = beyond.index[0] if len(beyond) else None
        name = f"Buys {labels[top]}" if top and inside[top] >= 0.1 else "No typical basket"
        taken = [other for other in names.values() if other.split(" (")[0] == name]
        names[cluster] = name if not taken else f"{name} ({len(taken) + 1})"
    return names


def rules(measures: pd.DataFrame, segments: pd.Series) -> pd.DataFrame:
    """Return a readable rule for each segment, with how well it holds.

    Each segment is told from everybody else by a decision tree of depth 4 over ``measures``
    (columns of `fct_customer_features`); the rule is the path to the node with the best F1, at
    most 4 comparisons. Thresholds are rounded as long as F1 does not suffer. Returns a row per
    segment: ``sql_rule`` (a condition for a where clause), ``rule_precision`` (of those it finds,
    the share who are members), ``rule_recall`` (of the members, the share it finds) and
    ``rule_fidelity`` (the share of all customers on whom rule and segment agree).
    """
    values = measures.to_numpy(dtype=float)
    rows = []
    for key in sorted(segments.unique()):
        members = (segments == key).to_numpy()
        path = _best_path(values, members) if not members.all() else []
        conditions, found = _rounded(values, members, path)
        hits = (found & members).sum()
        rows.append(
            {
                "segment_key": key,
                "sql_rule": _as_sql(measures.columns, conditions),
                "rule_precision": hits / found.sum(),
                "rule_recall": hits / members.sum(),
                "rule_fidelity": (found == members).mean(),
            }
        )
    return pd.DataFrame(rows, columns=list(RULE_TYPES)[1:])


def segment_rules(sample: pd.DataFrame) -> pd.DataFrame:
    """Return `rules` of every segmentation in ``sample``, a row per segmentation and customer."""
    parts = []
    for segmentation, own in sample.groupby("segmentation"):
        measures = own.drop(columns=["segmentation", "customer_id", "segment_key"])
        found = rules(measures, own["segment_key"])
        parts.append(found.assign(segmentation=segmentation))
    return pd.concat(parts) if parts else pd.DataFrame(columns=list(RULE_TYPES))


def _best_path(values, members) -> list[tuple[int, bool, float]]:
    """Return the comparisons (column, is greater, threshold) on the way to the best node."""
    tree = DecisionTreeClassifier(max_depth=4, class_weight="balanced", random_state=0)
    tree = tree.fit(values, members).tree_
    best, best_f1 = [], -1.0
    stack = [(0, [], np.ones(len(values), dtype=bool))]
    while stack:
        node, path, found = stack.pop()
        f1 = _f1(found, members)
        if path and f1 > best_f1:
            best, best_f1 = path, f1
        if tree.children_left[node] >= 0:
            column, threshold = int(tree.feature[node]), float(tree.threshold[node])
            greater = values[:, column] > threshold
            for child, side, mask in (
                (tree.children_right[node], True, greater),
                (tree.children_left[node], False, ~greater),
            ):
                stack.append((child, [*path, (column, side, threshold)], found & mask))
    return best


def _f1(found, members) -> float:
    return 2 * (found & members).sum() / max(found.sum() + members.sum(), 1)


def _rounded(values, members, path):
    """Merge what compares the same column, and round thresholds to the fewest digits that do."""
    merged = {}
    for column, greater, threshold in path:
        keep = max if greater else min
        merged[column, greater] = keep(threshold, merged.get((column, greater), threshold))
    conditions = [(column, greater, limit) for (column, greater), limit in merged.items()]

    def matching(limits):
        found = np.ones(len(values), dtype=bool)
        for column, greater, limit in limits:
            found &= (values[:, column] > limit) == greater
        return found

    exact = _f1(matching(conditions), members)
    for digits in (2, 3, 4, 6, 17):
        tried = []
        for column, greater, limit in conditions:
            whole = (values[:, column] == np.floor(values[:, column])).all()
            tried.append(
                (column, greater, np.floor(limit) if whole else float(f"{limit:.{digits}g}"))
            )
        found = matching(tried)
        if found.any() and _f1(found, members) >= exact - 0.002:
            break
    return tried, found


def _as_sql(columns, conditions) -> str:
    words = []
    for column, greater, limit in conditions:
        number = np.format_float_positional(limit, trim="-")
        words.append(f"{columns[column]} {'>' if greater else '<='} {number}")
    return " and ".join(words) or "1 = 1"
