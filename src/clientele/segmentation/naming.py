"""Name segments with words that are true of most of their customers."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from clientele.segmentation.prototypes import NOISE

# Share of a segment's customers that a new word must be true of, and that a kept word may fall to.
MOST, STILL_MOST = 0.6, 0.5
# How much larger the share must be than among all other customers for a word to stand out.
STANDS_OUT = 0.35
# Share of a customer's orders or amounts from which a habit is one.
OFTEN, RARELY = 0.5, 0.1
# Words of what a customer does not do only distinguish equal names.
WEAK = ("rarely", "hardly")
ALL_KINDS = "All kinds"
NO_TYPICAL_BASKET = "No typical basket"


def below(values: pd.Series) -> np.ndarray:
    """Return the share of all customers with a smaller value, as RFM scores count it."""
    return (values.rank(method="min").to_numpy() - 1) / max(len(values), 1)


def words(
    measures: pd.DataFrame, *, new_days: int, active_days: int, lapsed_days: int
) -> dict[str, dict[str, np.ndarray]]:
    """Return what may be said about each customer: by subject, words and whether they are true.

    ``high value`` is the top fifth by spend, ``low value`` the lower two fifths: the value tiers
    of `fct_customer_actions`. Of ladders such as ``5+ orders`` the first step that holds is used.
    """
    recency, tenure = (measures[name].to_numpy() for name in ("recency_days", "tenure_days"))
    orders = measures["frequency"].to_numpy()
    spent, price = below(measures["monetary"]), below(measures["unit_price_mean"])
    units, products = (measures[f"basket_{name}_count"] for name in ("unit", "product"))

    def habit(name, often, rarely, limit=OFTEN):
        share = measures[name].to_numpy()
        return {often: share >= limit, rarely: share < min(RARELY, limit / 10)}

    return {
        "value": {
            "high value": spent >= 0.8,
            "low value": spent < 0.4,
            "middle value": (spent >= 0.4) & (spent < 0.8),
            "upper half by value": spent >= 0.5,
            "lower half by value": spent < 0.5,
        },
        "state": {
            "active": recency <= active_days,
            "cooling": (recency > active_days) & (recency <= lapsed_days),
            "lapsed": recency > lapsed_days,
        },
        "orders": {
            **{f"{n}+ orders": orders >= n for n in (100, 50, 20, 10, 5, 3)},
            "one order": orders == 1,
            "one or two orders": orders <= 2,
        },
        "last order": {
            "last order within two weeks": recency <= 14,
            "last order within a month": recency <= 30,
            "last order over a year ago": recency > 365,
            "last order over half a year ago": recency > 183,
        },
        "tenure": {
            "new customers": tenure <= new_days,
            "customers for under a year": tenure <= 365,
            "customers for over two years": tenure > 730,
            "customers for over a year": tenure > 365,
        },
        "prices": {"high prices": price >= 0.8, "low prices": price < 0.2},
        "units": {
            "many units per order": below(units) >= 0.8,
            "few units per order": units.to_numpy() <= 2,
        },
        "products": {
            "many products per order": below(products) >= 0.8,
            "one product per order": products.to_numpy() == 1,
            "few products per order": products.to_numpy() <= 2,
        },
        "discounts": habit("discount_share", "with discounts", "hardly any discount", RARELY),
        "returns": habit("return_share", "many returns", "hardly any return", RARELY),
        "weekend": habit("weekend_share", "at weekends", "rarely at weekends"),
        "evening": habit("evening_share", "in the evening", "rarely in the evening"),
    }


def behaviour_names(
    measures: pd.DataFrame, clusters: pd.Series, **limits: int
) -> tuple[dict[int, str], Callable[[int, str], bool]]:
    """Name each cluster by value, state and what stands out; also return whether a name holds.

    Every word is one of `words` and true of at least six tenths of the cluster. A value or state
    that all clusters share tells nothing and is left out. The word that stands out is the one
    whose share exceeds that among all other customers most, if by at least 0.35. Clusters that
    still have equal names get the words that distinguish them from each other. A name holds as
    long as each of its words is true of over half of the cluster.
    """
    said = words(measures, **limits)
    found = sorted(set(clusters) - {NOISE})
    inside = {c: (clusters == c).to_numpy() for c in found}
    flat = {word: true for subject in said.values() for word, true in subject.items()}

    def holding(cluster):
        """Return, by subject, the first word that is true of most of the cluster."""
        shares = {
            subject: [word for word, true in each.items() if true[inside[cluster]].mean() >= MOST]
            for subject, each in said.items()
        }
        return {subject: each[0] for subject, each in shares.items() if each}

    def excess(cluster, word, others):
        """Return by how much more often the word is true of the cluster than of ``others``."""
        others = others & ~inside[cluster]
        return flat[word][inside[cluster]].mean() - (
            flat[word][others].mean() if any(others) else 1
        )

    held = {cluster: holding(cluster) for cluster in found}
    everyone = np.ones(len(clusters), dtype=bool)
    parts = {}
    for cluster in found:
        own = held[cluster]
        parts[cluster] = [
            own[subject]
            for subject in ("value", "state")
            if subject in own
            and (len(found) == 1 or len({held[c].get(subject) for c in found}) > 1)
        ]
        # That the last order of lapsed customers is long ago goes without saying.
        known = {"value", "state", "last order" if own.get("state") == "lapsed" else ""}
        traits = [word for subject, word in own.items() if subject not in known]
        traits = [word for word in traits if not word.startswith(WEAK)]
        traits = sorted(traits, key=lambda word: (-excess(cluster, word, everyone), word))
        if traits and excess(cluster, traits[0], everyone) >= STANDS_OUT:
            parts[cluster].append(traits[0])
    # Words beyond four make no name.
    for _ in range(4):
        by_words = {}
        for cluster in found:
            by_words.setdefault(tuple(parts[cluster]), []).append(cluster)
        for same in (same for said, same in by_words.items() if len(same) > 1 or not said):
            group = np.logical_or.reduce([inside[c] for c in same]) if len(same) > 1 else everyone
            for cluster in same:
                more = [word for word in held[cluster].values() if word not in parts[cluster]]
                more = [(excess(cluster, word, group), word) for word in more]
                if more and (max(more)[0] > 0 or not parts[cluster]):
                    parts[cluster] = [*parts[cluster], max(more)[1]]

    def holds(cluster, name):
        if name.startswith(ALL_KINDS):
            return not parts[cluster]
        each = name.lower().split(" (")[0].split(", ")
        return all(w in flat and flat[w][inside[cluster]].mean() > STILL_MOST for w in each)

    return {c: _numbered(c, parts, found) for c in found}, holds


def _numbered(cluster, parts, found):
    """Return the words of a cluster as a name, with a number if an earlier one has the same."""
    name = ", ".join(parts[cluster]).capitalize() or ALL_KINDS
    earlier = sum(parts[other] == parts[cluster] for other in found if other < cluster)
    return f"{name} ({earlier + 1})" if earlier else name


def basket_names(
    shares: pd.DataFrame, clusters: pd.Series, labels: dict[str, str]
) -> tuple[dict[int, str], Callable[[int, str], bool]]:
    """Name each cluster by what most of its customers have bought more often than the others.

    ``shares`` holds the share of each customer's baskets with an itemset, a column per itemset;
    ``labels`` gives the products of each itemset. Also returns whether a name holds: most
    customers of the cluster have bought the itemset.
    """
    bought = shares > 0
    bought.columns = [f"Buys {labels[name]}" for name in shares.columns]
    names, bases = {}, []
    for cluster in sorted(set(clusters) - {NOISE}):
        members = (clusters == cluster).to_numpy()
        inside = shares[members].mean()
        outside = shares[~members].mean() if (~members).any() else inside * 0
        beyond = (inside - outside).set_axis(bought.columns)
        beyond = beyond[bought[members].mean() >= MOST].sort_values(ascending=False, kind="stable")
        name = beyond.index[0] if len(beyond) else NO_TYPICAL_BASKET
        bases.append(name)
        names[cluster] = name if bases.count(name) == 1 else f"{name} ({bases.count(name)})"

    def holds(cluster, name):
        if name not in bought.columns:
            return names[cluster] == name
        return bought.loc[(clusters == cluster).to_numpy(), name].mean() > STILL_MOST

    return names, holds
