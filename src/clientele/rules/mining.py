"""Association rules: what else is in the baskets that hold certain items, and is it chance."""

import json

import numpy as np
import pandas as pd
from scipy.special import gammaln
from scipy.stats import chi2, norm

from clientele.rules.itemsets import Itemsets, find_itemsets

ITEMSET_DTYPES = {
    "items": "str",
    "length": "int64",
    "order_count": "int64",
    "basket_count": "int64",
    "support": "float64",
}
# A rule's columns, by the names of types that both engines read.
RULE_TYPES = {
    "scope": "string",
    "antecedent": "string",
    "consequent": "string",
    "antecedent_items": "string",
    "consequent_items": "string",
    "antecedent_length": "int",
    "consequent_length": "int",
    "order_count": "int",
    "antecedent_count": "int",
    "consequent_count": "int",
    "basket_count": "int",
    "support": "double",
    "confidence": "double",
    "lift": "double",
    "lift_lower": "double",
    "lift_upper": "double",
    "leverage": "double",
    "conviction": "double",
    "zhang": "double",
    "jaccard": "double",
    "kulczynski": "double",
    "p_value": "double",
    "p_value_adjusted": "double",
    "improvement": "double",
    "is_redundant": "boolean",
    "is_closed": "boolean",
    "is_maximal": "boolean",
    "holdout_order_count": "int",
    "holdout_antecedent_count": "int",
    "holdout_consequent_count": "int",
    "holdout_basket_count": "int",
    "holdout_lift": "double",
}
DIFFERENCE_TYPES = {
    "antecedent": "string",
    "consequent": "string",
    "antecedent_items": "string",
    "consequent_items": "string",
    "segment_key": "string",
    "order_count": "int",
    "antecedent_count": "int",
    "consequent_count": "int",
    "basket_count": "int",
    "confidence": "double",
    "lift": "double",
    "lift_lower": "double",
    "lift_upper": "double",
    "odds_ratio": "double",
    "common_odds_ratio": "double",
    "is_compared": "boolean",
    "compared_segment_count": "int",
    "chi_square": "double",
    "p_value": "double",
    "p_value_adjusted": "double",
}
_DTYPES = {"string": "str", "int": "int64", "double": "float64", "boolean": "bool"}
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
    """Return the association rules between the items of ``baskets``: `find_itemsets`, then `rules`.

    Arguments and errors as there; ``max_length`` is the most items in a rule, both sides together.
    """
    _check(min_confidence, max_length)
    mined = find_itemsets(
        baskets, min_support=min_support, max_length=max_length, engine=engine, session=session,
        **knobs,
    )  # fmt: skip
    return rules(mined, min_confidence=min_confidence)


def _check(min_confidence: float, max_length: int | None) -> None:
    if not 0 <= min_confidence <= 1:
        raise ValueError(f"min_confidence={min_confidence} is no share: give one in [0, 1]")
    if max_length is not None and max_length < 2:
        raise ValueError(f"max_length={max_length} leaves no rule, which has two sides: give >= 2")


def rules(mined: Itemsets, *, min_confidence: float, interval: float = 0.95) -> pd.DataFrame:
    """Return the rules that frequent itemsets give in each scope, highest lift first in each.

    A rule is a split of a set that is frequent in the scope, of whose antecedent's baskets at least
    ``min_confidence``, a share in [0, 1], hold the consequent too. The columns are those of
    `RULE_TYPES`. ``scope`` is `all` or a segment. ``antecedent`` and ``consequent`` are the sorted
    items joined by ", " to be read, ``antecedent_items`` and ``consequent_items`` the same as JSON
    arrays, which hold even for items with a comma in their name. ``order_count``,
    ``antecedent_count`` and ``consequent_count`` are exact numbers of baskets out of
    ``basket_count``; the measures are computed from them:

    - ``conviction`` is null where no basket contradicts the rule (it would be infinite), ``zhang``
      where both sides are in every basket; Zhang's metric, Jaccard and Kulczynski as in P.-N. Tan,
      V. Kumar, J. Srivastava: Selecting the Right Objective Measure for Association Analysis.
      Information Systems 29 (2004);
    - ``lift_lower`` and ``lift_upper`` hold the lift with probability ``interval``, on the scale of
      its logarithm, by the delta method (`lift_interval`);
    - ``p_value`` is Fisher's exact one: how likely chance puts both sides together as often or
      more (`fisher_p_values`). ``p_value_adjusted`` after Benjamini and Hochberg (`adjusted`), for
      every pair of a frequent left and a frequent right side of the scope, whether they meet often
      enough to be a rule or not: m does not depend on what was found to meet;
    - ``improvement`` is the confidence less that of the best shorter antecedent, the empty one
      included (R. Bayardo, R. Agrawal, D. Gunopulos: Constraint-Based Rule Mining in Large, Dense
      Databases. DMKD 4, 2000); ``is_redundant`` where a shorter antecedent of at least one item is
      at least as confident;
    - ``is_closed``: no larger frequent set is in as many baskets as the rule's; ``is_maximal``: no
      larger set is frequent; both among the sets that were mined;
    - ``holdout_...``: the same counts and lift in the baskets that were held out, null where none
      were.

    Raises:
        ValueError: ``min_confidence`` out of range, or too many candidate rules.
    """
    _check(min_confidence, None)
    subsets = mined.subsets()
    frames = [
        _scope_rules(mined, subsets, scope, min_confidence, interval)
        for scope in mined.scopes.itertuples()
    ]
    # Typed one by one: pandas guesses what columns without a value become.
    frames = [_typed(frame, RULE_TYPES) for frame in frames or [pd.DataFrame()]]
    return pd.concat(frames, ignore_index=True)


def _typed(frame: pd.DataFrame, types: dict[str, str]) -> pd.DataFrame:
    """Give columns the dtypes of ``types``; numbers that may be missing are floats."""
    kinds = {name: _DTYPES[kind] for name, kind in types.items()}
    kinds |= {name: "float64" for name in types if name.startswith("holdout_")}
    return frame.reindex(columns=list(types)).astype(kinds)


def _scope_rules(mined, subsets, scope, min_confidence, interval) -> pd.DataFrame:
    n = int(scope.basket_count)
    mined_cells = mined.members(scope.segment)
    held_out = mined.members(scope.segment, holdout=True)
    holdout_count = int(mined.cells["basket_count"].to_numpy()[held_out].sum())
    family = _Family(mined, subsets, mined_cells, held_out, int(scope.min_count))
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
            columns = np.flatnonzero([mask >> j & 1 for j in range(k)])
            others = np.flatnonzero([not mask >> j & 1 for j in range(k)])
            raw, corrected = p_values[k, min(mask, full ^ mask)]
            parts.append(
                pd.DataFrame(
                    {
                        "antecedent_items": _names(mined.labels, sets[kept][:, columns]),
                        "consequent_items": _names(mined.labels, sets[kept][:, others]),
                        "order_count": both[kept],
                        "antecedent_count": left[kept],
                        "consequent_count": right[kept],
                        "p_value": raw[kept],
                        "p_value_adjusted": corrected[kept],
                        "best_shorter": best[kept, mask],
                        "is_closed": closed[kept],
                        "is_maximal": maximal[kept],
                        "holdout_order_count": later[kept, full],
                        "holdout_antecedent_count": later[kept, mask],
                        "holdout_consequent_count": later[kept, full ^ mask],
                    }
                )
            )
    if not parts:
        return pd.DataFrame(columns=list(RULE_TYPES))
    found = pd.concat(parts, ignore_index=True)
    name = scope.segment or "all"
    for side in ("antecedent", "consequent"):
        items = found[f"{side}_items"]
        found[side] = items.map(", ".join)
        found[f"{side}_length"] = items.map(len)
        found[f"{side}_items"] = items.map(_json)
    found["scope"], found["basket_count"] = name, n
    both, left, right = (
        found[c].to_numpy() for c in ("order_count", "antecedent_count", "consequent_count")
    )
    measures = measure(both, left, right, n, interval)
    for column, values in measures.items():
        found[column] = values
    shorter = found.pop("best_shorter").to_numpy()
    found["improvement"] = found["confidence"] - np.fmax(shorter, right / n)
    found["is_redundant"] = shorter >= found["confidence"]
    found["holdout_basket_count"] = holdout_count
    later = [f"holdout_{c}_count" for c in ("order", "antecedent", "consequent", "basket")]
    if not mined.cells["is_holdout"].any():
        found[later] = np.nan
    b, a, c, total = (found[column].to_numpy(dtype=float) for column in later)
    with np.errstate(divide="ignore", invalid="ignore"):
        found["holdout_lift"] = np.where(a * c > 0, b * total / (a * c), np.nan)
    return found.sort_values(
        ["lift", "confidence", "order_count", "antecedent_items", "consequent_items"],
        ascending=[False, False, False, True, True],
        ignore_index=True,
    )


class _Family:
    """The sets that are frequent in one scope, with the counts of all their parts.

    ``counts[k - 1][i, mask]`` is the number of baskets that hold those items of the i-th set of k
    whose bits are in ``mask``: 0 is every basket, 2^k - 1 the set itself.
    """

    def __init__(self, mined, subsets, mined_cells, held_out, min_count) -> None:
        total = int(mined.cells["basket_count"].to_numpy()[mined_cells].sum())
        later = int(mined.cells["basket_count"].to_numpy()[held_out].sum())
        self.sets, self.less, self.counts, self.holdouts, self.best = [], [], [], [], []
        place = None
        for k, (sets, counts) in enumerate(zip(mined.sets, mined.counts, strict=True), start=1):
            held = counts[:, mined_cells].sum(axis=1)
            kept = np.flatnonzero(held >= min_count)
            if not len(kept):
                break
            less = subsets[k - 2][kept] if k > 1 else np.empty((len(kept), 0), dtype=np.int64)
            less = place[less] if k > 1 else less
            place = np.full(len(sets), -1, dtype=np.int64)
            place[kept] = np.arange(len(kept))
            self.sets.append(sets[kept])
            self.less.append(less)
            whole = counts[kept]
            self.counts.append(self._parts(self.counts, k, less, held[kept], total))
            after = whole[:, held_out].sum(axis=1)
            self.holdouts.append(self._parts(self.holdouts, k, less, after, later))
            self.best.append(self._best(k, less))

    def __len__(self) -> int:
        return sum(map(len, self.sets))

    def levels(self):
        """Return the lengths from 2 with their sets."""
        return list(enumerate(self.sets, start=1))[1:]

    @staticmethod
    def _parts(shorter, k, less, held, total) -> np.ndarray:
        counts = np.empty((len(held), 2**k), dtype=np.int64)
        counts[:, 0], counts[:, -1] = total, held
        for mask in range(1, 2**k - 1):
            absent = next(j for j in range(k) if not mask >> j & 1)
            counts[:, mask] = shorter[k - 2][less[:, absent], _without(mask, absent)]
        return counts

    def _best(self, k: int, less: np.ndarray) -> np.ndarray:
        """Return, per mask, the highest confidence with fewer items to the left, but not none.

        What is to the right of a mask stays; -inf where the mask is one item.
        """
        best = np.full((len(less), 2**k), -np.inf)
        for mask in range(1, 2**k - 1):
            for j in range(k):
                part = _without(mask & ~(1 << j), j)
                if mask >> j & 1 and part:
                    rows, counts = less[:, j], self.counts[k - 2]
                    confidence = counts[rows, -1] / counts[rows, part]
                    shorter = np.maximum(confidence, self.best[k - 2][rows, part])
                    best[:, mask] = np.maximum(best[:, mask], shorter)
        return best

    def closed_and_maximal(self, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return which sets of k items no larger one equals in count, and which none contains."""
        closed = np.ones(len(self.sets[k - 1]), dtype=bool)
        maximal = closed.copy()
        if k < len(self.sets):
            for rows in self.less[k].T:
                same = self.counts[k - 1][rows, -1] == self.counts[k][:, -1]
                closed[rows[same]] = False
                maximal[rows] = False
        return closed, maximal

    def adjusted_p_values(self, n: int) -> dict:
        """Return Fisher's p-values of each split of each set, raw and adjusted.

        Keys are a length and the smaller mask of the two sides, which the test does not tell apart.
        """
        raw = {}
        for k, _ in self.levels():
            full, counts = 2**k - 1, self.counts[k - 1]
            for mask in range(1, 2 ** (k - 1)):
                raw[k, mask] = fisher_p_values(
                    counts[:, full], counts[:, mask], counts[:, full ^ mask], n
                )
        longest = len(self.sets)
        sizes = [len(sets) for sets in self.sets]
        tested = 0
        for left in range(1, longest):
            for right in range(left, longest - left + 1):
                a, b = sizes[left - 1], sizes[right - 1]
                tested += a * (a - 1) // 2 if left == right else a * b
        if not raw:
            return {}
        corrected = adjusted(np.concatenate(list(raw.values())), tested)
        ends = np.cumsum([len(values) for values in raw.values()])[:-1]
        return {
            key: (values, part)
            for (key, values), part in zip(raw.items(), np.split(corrected, ends), strict=True)
        }


def _without(mask: int, j: int) -> int:
    """Return ``mask`` with bit ``j`` taken out and the higher ones moved down."""
    low = (1 << j) - 1
    return mask & low | mask >> 1 & ~low


def _names(labels: np.ndarray, sets: np.ndarray) -> list[list[str]]:
    return [sorted(names) for names in labels[sets].tolist()]


def _json(items: list[str]) -> str:
    return json.dumps(items, ensure_ascii=False)


def measure(both, left, right, n, interval: float = 0.95) -> dict[str, np.ndarray]:
    """Return the measures of rules from counts of baskets: with both sides, left, right, and all.

    Arrays of one length, ``n`` a number or an array; formulas in docs/methods/rules.md.
    """
    both, left, right = (np.asarray(count, dtype=np.int64) for count in (both, left, right))
    n = np.asarray(n, dtype=np.int64)
    expected = left.astype(float) * right
    with np.errstate(divide="ignore", invalid="ignore"):
        excess = both.astype(float) * n - expected
        confidence = both / left
        # 0 / 0 where nothing contradicts a consequent that every basket holds.
        conviction = np.where(both < left, (n - right) * left / (n * (left - both)), np.nan)
        zhang = excess / np.maximum(both * (n - left).astype(float), left * (right - both) * 1.0)
        lift = both.astype(float) * n / expected
        measures = {
            "support": both / n,
            "confidence": confidence,
            "lift": lift,
            "leverage": excess / n.astype(float) ** 2,
            "conviction": conviction,
            "zhang": zhang,
            "jaccard": both / (left + right - both),
            "kulczynski": (confidence + both / right) / 2,
        }
    measures["lift_lower"], measures["lift_upper"] = lift_interval(
        both, left, right, n, interval=interval
    )
    return measures


def lift_interval(both, left, right, n, *, interval: float = 0.95):
    """Return the bounds that hold the lift with probability ``interval``, from counts of baskets.

    The logarithm of the lift is taken for normal. With the four cells of the table of left and
    right as a multinomial sample, the delta method gives its variance as
    ``1/both - 1/left - 1/right + 2 lift/n - 1/n``. Where nothing met, 0 and infinity.
    """
    both, left, right = (np.asarray(count, dtype=float) for count in (both, left, right))
    with np.errstate(divide="ignore", invalid="ignore"):
        lift = both * n / (left * right)
        variance = 1 / both - 1 / left - 1 / right + 2 * lift / n - 1 / n
        reach = norm.ppf((1 + interval) / 2) * np.sqrt(np.maximum(variance, 0))
        lower, upper = lift * np.exp(-reach), lift * np.exp(reach)
    return np.where(both > 0, lower, 0.0), np.where(both > 0, upper, np.inf)


def fisher_p_values(both, left, right, n) -> np.ndarray:
    """Return how likely ``left`` and ``right`` baskets of ``n`` share ``both`` or more by chance.

    Fisher's exact test, one-sided: the tail of the hypergeometric distribution, summed from its
    first term by the ratio of neighbours, from whichever side of the mean is shorter.
    """
    both, left, right = (np.asarray(count, dtype=np.int64) for count in (both, left, right))
    # The test does not tell the sides apart; nor must its last digit.
    left, right = np.minimum(left, right), np.maximum(left, right)
    n = np.broadcast_to(np.asarray(n, dtype=np.int64), both.shape)
    above = both.astype(float) * n > left.astype(float) * right
    p = np.empty(both.shape)
    p[above] = _tail(both[above], left[above], right[above], n[above], +1)
    rest = ~above
    p[rest] = 1 - _tail(both[rest] - 1, left[rest], right[rest], n[rest], -1)
    return np.clip(p, 0.0, 1.0)


def _tail(start, left, right, n, step) -> np.ndarray:
    """Sum hypergeometric terms from ``start`` upwards (+1) or downwards (-1)."""
    lowest, highest = np.maximum(0, left + right - n), np.minimum(left, right)
    possible = (start >= lowest) & (start <= highest)
    x = np.where(possible, start, lowest)

    def log_choose(total, chosen):
        return gammaln(total + 1) - gammaln(chosen + 1) - gammaln(total - chosen + 1)

    first = log_choose(left, x) + log_choose(n - left, right - x) - log_choose(n, right)
    total, term = np.ones(len(x)), np.ones(len(x))
    active = np.flatnonzero(possible)
    x = x.astype(float)
    while len(active):
        a, b, m, now = left[active], right[active], n[active], x[active]
        if step > 0:
            ratio = (a - now) * (b - now) / ((now + 1) * (m - a - b + now + 1))
        else:
            ratio = now * (m - a - b + now) / ((a - now + 1) * (b - now + 1))
        term[active] *= ratio
        total[active] += term[active]
        x[active] += step
        active = active[term[active] > 1e-17 * total[active]]
    return np.where(possible, np.exp(first) * total, 0.0)


def adjusted(p_values: np.ndarray, tested: int) -> np.ndarray:
    """Return p-values adjusted for ``tested`` tests, of which these are the smallest.

    Y. Benjamini, Y. Hochberg: Controlling the False Discovery Rate. JRSS B 57 (1995): among those
    of at most q, the expected share of false ones is at most q. Tests that are not given count as
    having failed.
    """
    order = np.argsort(p_values, kind="stable")
    rank = np.arange(1, len(p_values) + 1)
    scaled = p_values[order] * max(tested, len(p_values)) / rank
    smallest = np.minimum.accumulate(scaled[::-1])[::-1]
    result = np.empty(len(p_values))
    result[order] = np.minimum(smallest, 1.0)
    # Multiplied and divided by one number, a p-value may lose its last digit.
    return np.maximum(result, p_values)


def rule_differences(
    counts: pd.DataFrame, *, min_expected: float = 5.0, interval: float = 0.95
) -> pd.DataFrame:
    """Test for each rule whether it is as strong in every segment.

    ``counts`` has a row per rule (``antecedent_items``, ``consequent_items``) and ``segment_key``
    with ``order_count``, ``antecedent_count``, ``consequent_count`` and ``basket_count``. What is
    compared is the odds ratio of the two sides, which neither side's popularity in a segment
    changes, by the test of Breslow and Day with Tarone's correction (N. E. Breslow, N. E. Day:
    Statistical Methods in Cancer Research I. IARC 1980; R. E. Tarone: On Heterogeneity Tests Based
    on Efficient Scores. Biometrika 72, 1985) against the common one of Mantel and Haenszel. Only
    segments in which the rarest of the four cells is expected in ``min_expected`` baskets are
    compared (``is_compared``); with fewer than two there is no test.

    Returns the rows with `DIFFERENCE_TYPES`; ``chi_square`` (with ``compared_segment_count`` - 1
    degrees of freedom), ``p_value`` and the one adjusted for all rules tested repeat in each row of
    a rule.
    """
    key = ["antecedent_items", "consequent_items"]
    frame = counts.sort_values([*key, "segment_key"], ignore_index=True)
    both, left, right, n = (
        frame[f"{c}_count"].to_numpy(dtype=float)
        for c in ("order", "antecedent", "consequent", "basket")
    )
    measures = measure(both, left, right, n.astype(np.int64), interval)
    for column in ("confidence", "lift", "lift_lower", "lift_upper"):
        frame[column] = measures[column]
    with np.errstate(divide="ignore", invalid="ignore"):
        only_left, only_right, neither = left - both, right - both, n - left - right + both
        frame["odds_ratio"] = both * neither / (only_left * only_right)
        smallest = np.minimum(left, n - left) * np.minimum(right, n - right) / n
    compared = smallest >= min_expected
    frame["is_compared"] = compared
    rule = frame.groupby(key, sort=False).ngroup().to_numpy()
    rule_count = rule.max() + 1 if len(rule) else 0

    def per_rule(values):
        sums = np.bincount(rule[compared], values[compared], minlength=rule_count)
        return sums.astype(float)

    with np.errstate(divide="ignore", invalid="ignore"):
        common = per_rule(both * neither / n) / per_rule(only_left * only_right / n)
        expected = _expected_both(left, right, n, common[rule])
        cells = (expected, left - expected, right - expected, n - left - right + expected)
        variance = 1 / sum(1 / cell for cell in cells)
        statistic = per_rule((both - expected) ** 2 / variance)
        statistic -= per_rule(both - expected) ** 2 / per_rule(variance)
    segments = per_rule(np.ones(len(rule))).astype(int)
    testable = (segments > 1) & np.isfinite(statistic)
    statistic = np.where(testable, np.maximum(statistic, 0), np.nan)
    p_values = np.where(testable, chi2.sf(statistic, np.maximum(segments - 1, 1)), np.nan)
    # A rule and its converse are one table, hence one test.
    tables = frame[key].drop_duplicates().to_numpy(dtype=str).reshape(-1, 2)
    _, first, same = np.unique(np.sort(tables, axis=1), axis=0, return_index=True,
                               return_inverse=True)  # fmt: skip
    same = same.reshape(-1)
    statistic, p_values = statistic[first], p_values[first]
    tests = np.flatnonzero(np.isfinite(p_values))
    corrected = np.full(len(first), np.nan)
    corrected[tests] = adjusted(p_values[tests], len(tests))
    statistic, p_values, corrected = statistic[same], p_values[same], corrected[same]
    frame["common_odds_ratio"] = np.where(testable, common, np.nan)[rule]
    frame["compared_segment_count"] = segments[rule]
    frame["chi_square"] = statistic[rule]
    frame["p_value"] = p_values[rule]
    frame["p_value_adjusted"] = corrected[rule]
    return _typed(frame, DIFFERENCE_TYPES)


def _expected_both(left, right, n, odds_ratio) -> np.ndarray:
    """Return the baskets with both sides that give the table of each segment ``odds_ratio``."""
    # x (n - left - right + x) = odds_ratio (left - x) (right - x)
    a = 1 - odds_ratio
    b = n - left - right + odds_ratio * (left + right)
    c = -odds_ratio * left * right
    root = np.sqrt(np.maximum(b**2 - 4 * a * c, 0))
    # The form that stays whole where the odds ratio is 1.
    return -2 * c / (b + root)


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
        items = map(_json, _names(mined.labels, sets[kept]))
        parts.append(pd.DataFrame({"items": items, "length": length, "order_count": held[kept]}))
    found = pd.concat(parts).assign(basket_count=n)
    found["support"] = found["order_count"] / max(n, 1)
    found = found.sort_values(
        ["length", "order_count", "items"], ascending=[True, False, True], ignore_index=True
    )
    return found[list(ITEMSET_DTYPES)].astype(ITEMSET_DTYPES)
