"""Rules as tables of the warehouse: mined itemsets, their rules, and how segments differ."""

import hashlib
import json

import numpy as np
import pandas as pd

from clientele.rules.basket_data import MemoryBaskets, WarehouseBaskets
from clientele.rules.baskets import lists_of_rows
from clientele.rules.differences import rule_differences
from clientele.rules.itemsets import Itemsets, check_knobs, choose_engine, mine
from clientele.rules.mining import as_json, association_rules
from clientele.rules.mining_tables import working_tables
from clientele.rules.scopes import View, scopes_of
from clientele.rules.types import ASSOCIATION_RULE_TYPES, DIFFERENCE_TYPES

ITEMSET_TABLE_TYPES = {
    "period_number": "int",
    "item_level": "string",
    "items": "string",
    "length": "int",
    "segment_key": "string",
    "is_holdout": "boolean",
    "order_count": "int",
    "min_support": "double",
}
ITEMSET_KEY = ["period_number", "item_level", "items", "segment_key", "is_holdout"]
RULE_TABLE_TYPES = {
    "period_number": "int",
    "item_level": "string",
    "rule_key": "string",
    **ASSOCIATION_RULE_TYPES,
}
DIFFERENCE_TABLE_TYPES = {"item_level": "string", **DIFFERENCE_TYPES}
# Period 0 mines all baskets in today's segments, period 1 those up to the comparison day in the
# segments of that day, and counts the later ones.
VIEWS = {0: View("segment"), 1: View("earlier_segment", has_holdout=True)}
_LABELS = {
    "segment": "coalesce(orders.segment_key, '')",
    "earlier_segment": "coalesce(orders.earlier_segment_key, '')",
    "is_holdout": "orders.is_holdout",
}
_PURCHASED = "purchased inner join orders on purchased.order_number = orders.order_number"


def itemset_table(
    purchased, orders, items, *, item_levels: list[str], session, say=print, **knobs
) -> pd.DataFrame:
    """Mine the baskets of each item level, as of today and as of the comparison day.

    ``purchased``, ``orders`` and ``items`` are the relations of `feat_baskets`,
    `ml_rules__baskets` and `feat_items`; ``knobs`` are engine, min_support, min_count, max_length,
    max_candidate_pairs and on_explosion of `clientele.rules.itemsets.find_itemsets`. ``say``
    is called with the engine and the reason for it.

    Returns a row per ``period_number`` (`VIEWS`), level, itemset, segment ("" for customers
    without one) and ``is_holdout`` in which any basket holds it, with `ITEMSET_TABLE_TYPES`.
    ``items`` is a JSON array of sorted names; the empty one counts the baskets.
    """
    engine = knobs.pop("engine")
    check_knobs(
        engine, knobs["min_support"], knobs["min_count"], knobs["max_length"], knobs["on_explosion"]
    )
    tables = working_tables(session, purchased=purchased, orders=orders, catalogue=items)
    try:
        engine, reasons = choose_engine(engine, tables, "purchased")
        data_of = (_in_warehouse if engine == "sql" else _in_memory)(tables)
        parts = []
        for level in item_levels:
            of_level = tables.rows(
                f"""
                select product_number, item, is_category from catalogue
                where item_level = '{level}' order by product_number, is_category
                """
            )
            notes = list(reasons)
            mined = mine(
                data_of(level, of_level), list(VIEWS.values()), engine=engine, notes=notes,
                ancestors=_ancestors(of_level) if level == "mixed" else None, **knobs,
            )  # fmt: skip
            for note in notes:
                say(f"rules between items of level {level}: {note}")
            for period_number, itemsets in zip(VIEWS, mined, strict=True):
                rows = _as_rows(itemsets)
                parts.append(rows.assign(period_number=period_number, item_level=level))
    finally:
        tables.drop()
    return pd.concat(parts, ignore_index=True)[list(ITEMSET_TABLE_TYPES)]


def _ancestors(of_level: pd.DataFrame) -> pd.DataFrame:
    """Return each product's name with that of its category."""
    is_category = of_level["is_category"].astype(bool)
    both = of_level[~is_category].merge(
        of_level[is_category], on="product_number", suffixes=("", "_above")
    )
    return both.rename(columns={"item_above": "ancestor"})[["item", "ancestor"]]


def _cells(tables) -> pd.DataFrame:
    """Return the labels of the cells, and store them with numbers as the table ``cells``."""
    labels = ", ".join(f"{value} as {name}" for name, value in _LABELS.items())
    cells = tables.rows(f"select distinct {labels} from orders order by 1, 2, 3")
    tables.put("cells", cells.add_prefix("cell_").assign(cell_id=range(len(cells))))
    return cells


_CELL = "inner join cells on " + " and ".join(
    f"{value} = cells.cell_{name}" for name, value in _LABELS.items()
)


def _in_memory(tables):
    """Return a function from an item level to its baskets, all fetched once."""
    cells = _cells(tables)
    rows = tables.rows(
        f"""
        select orders.basket_number, purchased.product_number, cells.cell_id
        from {_PURCHASED} {_CELL}
        """
    )
    basket, product = rows.pop("basket_number"), rows.pop("product_number").to_numpy()
    lists = lists_of_rows(basket, product, rows.pop("cell_id").to_numpy(), len(cells))

    def of(level: str, of_level: pd.DataFrame) -> MemoryBaskets:
        items, number = np.unique(of_level["item"].to_numpy(dtype=object), return_inverse=True)
        # One array of numbers for products, another for their categories.
        numbers = []
        for _, part in of_level.assign(number=number).groupby("is_category"):
            highest = max(product.max(initial=0), part["product_number"].max())
            number_of = np.full(highest + 1, -1, dtype=np.int32)
            number_of[part["product_number"]] = part["number"]
            numbers.append(number_of)
        numbers = numbers or [np.full(product.max(initial=0) + 1, -1, dtype=np.int32)]
        return MemoryBaskets(lists.renumbered(*numbers), cells, items)

    return of


def _in_warehouse(tables):
    """Return a function from an item level to its baskets as tables of the warehouse."""
    cells = _cells(tables)

    def of(level: str, _: pd.DataFrame) -> WarehouseBaskets:
        tables.keep(
            "baskets",
            f"""
            select distinct orders.basket_number as basket_id, catalogue.item, cells.cell_id
            from {_PURCHASED} {_CELL}
            inner join catalogue on purchased.product_number = catalogue.product_number
            where catalogue.item_level = '{level}'
            """,
        )
        return WarehouseBaskets(tables, cells)

    return of


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
        ).query("order_count > 0")
    ]
    for length, (sets, counts) in enumerate(zip(mined.sets, mined.counts, strict=True), start=1):
        row, cell = np.nonzero(counts)
        names = [as_json(sorted(names)) for names in mined.labels[sets].tolist()]
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
    return pd.concat(parts, ignore_index=True).assign(min_support=mined.min_support)


def _from_rows(rows: pd.DataFrame, min_count: int) -> Itemsets:
    """Return the itemsets that `_as_rows` turned into ``rows``."""
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
        members = np.array(
            [sorted(position[name] for name in json.loads(items)) for items in names],
            dtype=np.int32,
        ).reshape(-1, length)
        held = np.zeros((len(names), len(cells)), dtype=np.int64)
        where = cell.get_indexer(pd.MultiIndex.from_frame(level[["segment_key", "is_holdout"]]))
        held[code, where] = level["order_count"]
        order = np.lexsort(members.T[::-1])
        sets.append(members[order])
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
    for (period_number, level), rows in itemsets.groupby(["period_number", "item_level"]):
        rules = association_rules(_from_rows(rows, min_count), min_confidence=min_confidence)
        sides = zip(
            rules["scope"], rules["antecedent_items"], rules["consequent_items"], strict=True
        )
        rules["rule_key"] = [
            hashlib.md5("|".join((level, *side)).encode()).hexdigest() for side in sides
        ]
        tables.append(rules.assign(period_number=period_number, item_level=level))
    if not tables:
        return pd.DataFrame(columns=list(RULE_TABLE_TYPES))
    return pd.concat(tables, ignore_index=True)[list(RULE_TABLE_TYPES)]


def difference_table(itemsets: pd.DataFrame, rules: pd.DataFrame) -> pd.DataFrame:
    """Test each of today's rules, of any scope, for differences between segments.

    ``itemsets`` and ``rules`` are tables of `itemset_table` and `rule_table`. Returns a row per
    level, rule and segment with `DIFFERENCE_TABLE_TYPES`; see `rule_differences`.
    """
    tables = []
    today = rules[rules["period_number"] == 0]
    for level, level_rules in today.groupby("item_level", sort=True):
        rows = itemsets[itemsets["period_number"].eq(0) & itemsets["item_level"].eq(level)]
        rows = rows[rows["segment_key"] != ""]
        count_of = rows.set_index(["items", "segment_key"])["order_count"]
        segments = rows.loc[rows["length"] == 0, ["segment_key", "order_count"]]
        columns = ["antecedent", "consequent", "antecedent_items", "consequent_items"]
        pairs = level_rules[columns].drop_duplicates(columns[2:])
        if segments.empty or pairs.empty:
            continue
        pairs["items"] = [
            as_json(sorted(json.loads(left) + json.loads(right)))
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
