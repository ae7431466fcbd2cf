"""Frequent itemsets counted by the warehouse: Apriori, level by level, in SQL.

The sets of one length that agree in all items but the last form a group (R. Agrawal, R. Srikant:
Fast Algorithms for Mining Association Rules. VLDB 1994, the join step). A basket that contains
two sets of a group contains the next longer set. So a set is counted once in each basket that
contains it, and candidates that occur in no basket are never stored. Scopes are the first groups,
so the same queries mine each scope separately.
"""

import numpy as np
import pandas as pd


def mine_levels(
    tables,
    *,
    in_scope: np.ndarray,
    members: np.ndarray,
    fewest: np.ndarray,
    max_length: float,
    max_itemsets: int,
    forbidden: set[tuple[int, int]],
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the sets of two and more items that are frequent in any scope, and in which cells.

    ``tables`` has ``held``: basket_id, item_id, cell_id. ``in_scope`` (items x scopes) states
    where each item is frequent, ``members`` (cells x scopes) which cells belong to a scope,
    ``fewest`` (scopes) the smallest number of baskets of a frequent set. No set holds both items of
    a ``forbidden`` pair (smaller first). Returns, for each length, sets (m x length) and the
    baskets of each cell that hold them (m x cells).

    Raises:
        OverflowError: more than ``max_itemsets`` sets of one length.
    """
    item_id, scope_id = np.nonzero(in_scope)
    tables.put("scope_items", pd.DataFrame({"scope_id": scope_id, "item_id": item_id}))
    cell_id, scope_id = np.nonzero(members)
    tables.put(
        "scope_cells",
        pd.DataFrame({"scope_id": scope_id, "cell_id": cell_id, "fewest": fewest[scope_id]}),
    )
    tables.keep(
        "held_1",
        """
        select held.basket_id, scope_cells.scope_id as group_id, held.item_id, scope_cells.fewest
        from held
        inner join scope_cells on held.cell_id = scope_cells.cell_id
        inner join scope_items
            on scope_cells.scope_id = scope_items.scope_id and held.item_id = scope_items.item_id
        """,
    )
    allowed = ""
    if forbidden:
        tables.put("forbidden", pd.DataFrame(sorted(forbidden), columns=["one_id", "other_id"]))
        allowed = """
            where not exists (
                select 1 from forbidden
                where forbidden.one_id = a.item_id and forbidden.other_id = b.item_id
            )
        """
    # With one scope the threshold is a constant; with several it is a column.
    threshold = str(fewest[0]) if len(fewest) == 1 else "min(a.fewest)"
    all_sets, all_counts, length = [], [], 1
    prefixes = np.empty((len(fewest), 0), dtype=np.int64)
    while length < max_length:
        held = f"held_{length}"
        together = f"""
            {held} as a inner join {held} as b
            on a.basket_id = b.basket_id and a.group_id = b.group_id and a.item_id < b.item_id
        """
        tables.keep(
            "frequent",
            f"""
            select
                a.group_id, a.item_id as first_id, b.item_id as second_id,
                count(*) as order_count
            from {together} {allowed}
            group by a.group_id, a.item_id, b.item_id having count(*) >= {threshold}
            """,
        )
        set_count = tables.row_count("frequent")
        length += 1
        if set_count > max_itemsets:
            raise OverflowError(
                f"{set_count:,} sets of {length} items are frequent, more than the "
                f"{max_itemsets:,} that fit in memory: "
                f"set max_length to {length - 1} or raise min_support"
            )
        if set_count == 0:
            break
        rows = tables.rows("select * from frequent").to_numpy(dtype=np.int64)
        sets, counts = np.column_stack([prefixes[rows[:, 0]], rows[:, 1:3]]), rows[:, 3:]
        all_sets.append(sets)
        all_counts.append(counts)
        if length >= max_length:
            break
        # A set whose beginning no other set has cannot grow.
        begins, size = np.unique(rows[:, :2], axis=0, return_counts=True)
        begins = begins[size > 1]
        if not len(begins):
            break
        prefixes = np.column_stack([prefixes[begins[:, 0]], begins[:, 1]])
        groups = pd.DataFrame(begins, columns=["group_id", "first_id"])
        tables.put("groups", groups.assign(next_id=range(len(begins))))
        tables.keep(
            f"held_{length}",
            f"""
            select a.basket_id, groups.next_id as group_id, b.item_id, a.fewest
            from {together}
            inner join frequent
                on a.group_id = frequent.group_id
                and a.item_id = frequent.first_id and b.item_id = frequent.second_id
            inner join groups on a.group_id = groups.group_id and a.item_id = groups.first_id
            """,
        )
        tables.drop(held)
    if members.shape == (1, 1):
        return list(zip(all_sets, all_counts, strict=True))
    unique = [np.unique(sets, axis=0) for sets in all_sets]
    return _count_sets(tables, unique, len(in_scope), len(members))


def _count_sets(
    tables, sets: list[np.ndarray], item_count: int, cell_count: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return ``sets`` (from two items, lexically sorted) with the baskets of each cell they are in.

    A basket with a set and a larger item contains the longer set, if that is one of ``sets``.
    """
    counted, keys = [], []
    tables.keep("holds_1", "select basket_id, cell_id, item_id, item_id as set_id from held")
    for length, level in enumerate(sets, start=2):
        parent = level[:, 0].astype(np.int64)
        for k, known in enumerate(keys, start=1):
            parent = np.searchsorted(known, parent * item_count + level[:, k])
        keys.append(parent * item_count + level[:, -1])
        branches = {"parent_id": parent, "item_id": level[:, -1], "set_id": np.arange(len(level))}
        tables.put("branches", pd.DataFrame(branches))
        tables.keep(
            f"holds_{length}",
            f"""
            select a.basket_id, a.cell_id, held.item_id, branches.set_id
            from holds_{length - 1} as a
            inner join held on a.basket_id = held.basket_id and a.item_id < held.item_id
            inner join branches
                on a.set_id = branches.parent_id and held.item_id = branches.item_id
            """,
        )
        tables.drop(f"holds_{length - 1}")
        rows = tables.rows(
            f"""
            select set_id, cell_id, count(*) as order_count
            from holds_{length} group by set_id, cell_id
            """
        )
        counts = np.zeros((len(level), cell_count), dtype=np.int64)
        counts[rows["set_id"], rows["cell_id"]] = rows["order_count"]
        counted.append((level, counts))
    return counted
