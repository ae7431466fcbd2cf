"""Rules as tables of the warehouse: mined itemsets, the rules of them, and how segments differ."""

import hashlib
import json

import numpy as np
import pandas as pd

from clientele.frames import collect
from clientele.rules.itemsets import Itemsets, find_itemsets, scopes_of
from clientele.rules.mining import DIFFERENCE_TYPES, RULE_TYPES, rule_differences, rules

ITEMSET_TABLE_TYPES = {
    "period": "string",
    "item_level": "string",
    "items": "string",
    "length": "int",
    "segment_key": "string",
    "is_holdout": "boolean",
    "order_count": "int",
    "min_support": "double",
}
RULE_TABLE_TYPES = {
    "period": "string",
    "item_level": "string",
    "rule_key": "string",
    **RULE_TYPES,
}
DIFFERENCE_TABLE_TYPES = {"item_level": "string", **DIFFERENCE_TYPES}
# What is mined, from which column the segments come, and whether some baskets are held out.
PERIODS = {"whole": ("segment_key", False), "earlier": ("earlier_segment_key", True)}


def itemset_table(
    baskets, items, *, item_levels: list[str], session, say=print, **knobs
) -> pd.DataFrame:
    """Mine the baskets of each level twice: all of them, and those before the holdout.

    ``baskets`` and ``items`` are the relations of `ml_rules__baskets` and `feat_items`, ``knobs``
    those of `find_itemsets`. Returns a row per period (`whole`, `earlier`), level, itemset, segment
    ("" for nobody's) and part in which a basket holds it, with `ITEMSET_TABLE_TYPES`; ``items`` is
    a JSON array of sorted names, and the empty one counts the baskets. In `earlier` the baskets
    held out are counted too. ``say`` is told which engine was taken and why.
    """
    tables = []
    for level in item_levels:
        above = None
        if level == "mixed":
            both = collect(_chosen(items, level), key=["product_id", "item"]).reset_index()
            of_product = both[~both["is_category"]].merge(
                both[both["is_category"]], on="product_id", suffixes=("", "_above")
            )
            above = of_product.rename(columns={"item_above": "ancestor"})[["item", "ancestor"]]
        for period, (segment, has_holdout) in PERIODS.items():
            mined = find_itemsets(
                _chosen(
                    baskets,
                    level,
                    "basket_id",
                    "item",
                    f"{segment} as segment",
                    *(["is_holdout"] if has_holdout else []),
                ),
                session=session,
                ancestors=above,
                **knobs,
            )
            for note in mined.notes:
                say(f"rules between items of level {level}, {period} period: {note}")
            table = _as_rows(mined)
            tables.append(table.assign(period=period, item_level=level))
    return pd.concat(tables, ignore_index=True)[list(ITEMSET_TABLE_TYPES)]


def _chosen(relation, level: str, *columns: str):
    """Return the rows of one item level from a relation of either engine."""
    found = relation.filter(f"item_level = '{level}'")
    if not columns:
        return found
    if hasattr(found, "selectExpr"):
        return found.selectExpr(*columns)
    return found.project(", ".join(columns))


def _as_rows(mined: Itemsets) -> pd.DataFrame:
    cells = mined.cells
    parts = [
        pd.DataFrame(
            {
                "items": "[]",
                "length": 0,
                "segment_key": cells["segment"],
                "is_holdout": cells["is_holdout"],
                "order_count": cells["basket_count"],
            }
        )
    ]
    for length, (sets, counts) in enumerate(zip(mined.sets, mined.counts, strict=True), start=1):
        row, cell = np.nonzero(counts)
        names = [
            json.dumps(sorted(names), ensure_ascii=False) for names in mined.labels[sets].tolist()
        ]
        parts.append(
            pd.DataFrame(
                {
                    "items": np.array(names, dtype=object)[row],
                    "length": length,
                    "segment_key": cells["segment"].to_numpy()[cell],
                    "is_holdout": cells["is_holdout"].to_numpy()[cell],
                    "order_count": counts[row, cell],
                }
            )
        )
    found = pd.concat(parts, ignore_index=True)
    return found.assign(min_support=mined.min_support)


def _from_rows(rows: pd.DataFrame, min_count: int) -> Itemsets:
    """Return what `_as_rows` made rows of."""
    empty = rows[rows["length"] == 0].sort_values(["is_holdout", "segment_key"], ignore_index=True)
    cells = pd.DataFrame(
        {
            "segment": empty["segment_key"],
            "is_holdout": empty["is_holdout"].astype(bool),
            "basket_count": empty["order_count"].astype("int64"),
        }
    )
    cell = pd.MultiIndex.from_frame(cells[["segment", "is_holdout"]])
    sets, counts, labels, position = [], [], np.array([], dtype=object), {}
    for length in range(1, int(rows["length"].max()) + 1):
        level = rows[rows["length"] == length]
        code, names = pd.factorize(level["items"], sort=True)
        if length == 1:
            labels = np.array([json.loads(name)[0] for name in names], dtype=object)
            position = {label: i for i, label in enumerate(labels)}
        found = np.array(
            [sorted(position[name] for name in json.loads(items)) for items in names],
            dtype=np.int32,
        ).reshape(-1, length)
        held = np.zeros((len(names), len(cells)), dtype=np.int64)
        where = cell.get_indexer(pd.MultiIndex.from_frame(level[["segment_key", "is_holdout"]]))
        held[code, where] = level["order_count"]
        order = np.lexsort(found.T[::-1])
        sets.append(found[order])
        counts.append(held[order])
    if not sets:
        sets = [np.empty((0, 1), dtype=np.int32)]
        counts = [np.empty((0, len(cells)), dtype=np.int64)]
    min_support = float(rows["min_support"].iloc[0]) if len(rows) else 1.0
    return Itemsets(
        labels=labels,
        sets=sets,
        counts=counts,
        cells=cells,
        scopes=scopes_of(cells, min_support, min_count),
        min_support=min_support,
        engine="",
    )


def rule_table(itemsets: pd.DataFrame, *, min_confidence: float, min_count: int) -> pd.DataFrame:
    """Return the rules of each period and level of `itemset_table`'s rows, with `RULE_TABLE_TYPES`.

    ``rule_key`` is a digest of level, scope and items: the same in both periods and every build.
    """
    tables = []
    for (period, level), rows in itemsets.groupby(["period", "item_level"], sort=True):
        found = rules(_from_rows(rows, min_count), min_confidence=min_confidence)
        parts = zip(
            found["scope"], found["antecedent_items"], found["consequent_items"], strict=True
        )
        found["rule_key"] = [
            hashlib.md5("|".join((level, *part)).encode()).hexdigest() for part in parts
        ]
        tables.append(found.assign(period=period, item_level=level))
    if not tables:
        return pd.DataFrame(columns=list(RULE_TABLE_TYPES))
    return pd.concat(tables, ignore_index=True)[list(RULE_TABLE_TYPES)]


def difference_table(itemsets: pd.DataFrame, found_rules: pd.DataFrame) -> pd.DataFrame:
    """Test each rule of the whole period, found in whichever scope, for differences of segments.

    Returns a row per level, rule and segment with `DIFFERENCE_TABLE_TYPES`; see `rule_differences`.
    """
    tables = []
    whole = found_rules[found_rules["period"] == "whole"]
    for level, level_rules in whole.groupby("item_level", sort=True):
        rows = itemsets[itemsets["period"].eq("whole") & itemsets["item_level"].eq(level)]
        rows = rows[rows["segment_key"] != ""]
        count_of = rows.set_index(["items", "segment_key"])["order_count"]
        segments = rows.loc[rows["length"] == 0, ["segment_key", "order_count"]]
        columns = ["antecedent", "consequent", "antecedent_items", "consequent_items"]
        pairs = level_rules[columns].drop_duplicates(columns[2:])
        if segments.empty or pairs.empty:
            continue
        pairs["items"] = [
            json.dumps(sorted(json.loads(left) + json.loads(right)), ensure_ascii=False)
            for left, right in zip(
                pairs["antecedent_items"], pairs["consequent_items"], strict=True
            )
        ]
        counted = pairs.merge(segments.rename(columns={"order_count": "basket_count"}), how="cross")
        sides = {
            "order": "items",
            "antecedent": "antecedent_items",
            "consequent": "consequent_items",
        }
        for name, side in sides.items():
            key = pd.MultiIndex.from_frame(counted[[side, "segment_key"]])
            counted[f"{name}_count"] = count_of.reindex(key, fill_value=0).to_numpy()
        tables.append(rule_differences(counted).assign(item_level=level))
    if not tables:
        return pd.DataFrame(columns=list(DIFFERENCE_TABLE_TYPES))
    return pd.concat(tables, ignore_index=True)[list(DIFFERENCE_TABLE_TYPES)]
