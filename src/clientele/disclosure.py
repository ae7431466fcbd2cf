"""Say which figures of a table must be hidden, so that no small group of customers is exposed."""

import numpy as np
import pandas as pd
from scipy.optimize import linprog
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components


def small_cells(
    frame: pd.DataFrame,
    customers: str,
    min_cell: int,
    *,
    margins: list[list[str]] = (),
    total: tuple[str, str] | None = None,
    cell: list[str] = (),
    also: pd.Series | None = None,
    links: list[tuple[np.ndarray, np.ndarray]] = (),
) -> pd.Series:
    """Say which rows must not be shown.

    A row of 1 to ``min_cell`` - 1 customers is hidden (primary suppression), and so are others
    without which it could be had, or be seen to be so small, from sums that may be known (secondary
    suppression; Hundepool et al., Statistical Disclosure Control, 2012, chapter 4). A sum with
    hidden rows has two of them at least, and leaves room for each to be ``min_cell``. Then linear
    programs look for the largest that each small row can be, all sums of the table taken together;
    where that is below ``min_cell``, the smallest row beside it goes too, until none is.

    Args:
        frame: One row per cell; a row that is not there is one of nobody.
        customers: Column with the cell's number of customers; null is none.
        min_cell: Fewest customers that may be shown.
        margins: Each a list of columns: rows equal in them add up to a figure that may be known. A
            row with a null in them is in no such sum.
        total: A column and its value in the rows that are sums of the others that are equal in
            the columns ``cell``; such sums are not added to their parts, and parts of a hidden
            sum are hidden.
        cell: The columns that say which total a row is a part of.
        also: Rows that are hidden for other reasons.
        links: Positions of rows that add up to as much as others do, whatever that is.

    Returns:
        Booleans in the frame's index, true where hidden.
    """
    count = frame[customers].fillna(0).to_numpy(dtype=float)
    small = (count > 0) & (count < min_cell)
    hidden = small if also is None else small | (also.to_numpy(dtype=bool) & (count > 0))
    hidden = hidden.copy()
    is_total, families = np.zeros(len(frame), dtype=bool), []
    if total:
        column, value = total
        is_total = (frame[column] == value).to_numpy()
        families = _groups(frame, list(cell), np.ones(len(frame), dtype=bool))
        families = [rows for rows in families if not is_total[rows].all()]
    # Each with the row that tells it, where that can be hidden too.
    sums = [(rows, None) for margin in margins for rows in _groups(frame, margin, ~is_total)]
    if total:
        sums += [(rows, None) for margin in margins for rows in _groups(frame, margin, is_total)]
        sums += [(rows[~is_total[rows]], rows[is_total[rows]]) for rows in families]
    # A sum of too few is a figure that is shown nowhere.
    sums = [(rows, told_by) for rows, told_by in sums if count[rows].sum() >= min_cell]
    sums = [(rows[count[rows] > 0], told_by) for rows, told_by in sums]
    equal = [(left[count[left] > 0], right[count[right] > 0]) for left, right in links]
    families = [rows[count[rows] > 0] for rows in families]

    def hide_smallest(rows: np.ndarray) -> bool:
        shown = rows[~hidden[rows]]
        if len(shown):
            hidden[shown[np.argmin(count[shown])]] = True
        return len(shown) > 0

    changed, safe = True, set()
    while changed:
        changed = False
        for rows in families:
            if (hidden & is_total)[rows].any() and not hidden[rows].all():
                hidden[rows] = changed = True
        known = [
            (rows, told_by)
            for rows, told_by in sums
            if hidden[rows].any() and (told_by is None or not hidden[told_by].all())
        ]
        for rows, told_by in known:
            number = hidden[rows].sum()
            room = count[rows][hidden[rows]].sum() - number + 1
            if number < 2 or room < min_cell:
                changed |= hide_smallest(rows) or (told_by is not None and hide_smallest(told_by))
        for left, right in equal:
            if hidden[left].sum() + hidden[right].sum() == 1:
                changed |= hide_smallest(np.concatenate([left, right]))
        if not changed:
            equations = [(rows, rows[:0]) for rows, _ in known] + equal
            equations += [
                (rows[~is_total[rows]], rows[is_total[rows]])
                for rows in families
                if (hidden & is_total)[rows].any()
            ]
            for seen in _exposed(count, small, hidden, equations, min_cell, safe):
                beside = [np.concatenate(sides) for sides in equations]
                beside = [rows for rows in beside if seen in rows]
                tellers = [by for rows, by in known if by is not None and seen in rows]
                changed |= any(
                    hide_smallest(np.unique(np.concatenate(choice)))
                    for choice in (beside, tellers)
                    if choice
                )
    return pd.Series(hidden, index=frame.index)


def _groups(frame: pd.DataFrame, columns: list[str], chosen: np.ndarray) -> list[np.ndarray]:
    """Return the positions of the chosen rows, in groups that are equal in ``columns``."""
    positions = np.flatnonzero(chosen)
    if not len(positions) or not columns:
        return [positions] if len(positions) else []
    labels = frame.iloc[positions].groupby(columns).ngroup().to_numpy()
    positions, labels = positions[labels >= 0], labels[labels >= 0]
    order = np.argsort(labels, kind="stable")
    cuts = np.flatnonzero(np.diff(labels[order])) + 1
    return np.split(positions[order], cuts) if len(positions) else []


def _exposed(
    count: np.ndarray,
    small: np.ndarray,
    hidden: np.ndarray,
    sums: list[tuple[np.ndarray, np.ndarray]],
    min_cell: int,
    safe: set[tuple[bytes, bytes]],
) -> list[int]:
    """Return the small cells that can be seen to be below ``min_cell``.

    Of each of ``sums`` it is known by how much the first positions add up to more than the second.
    Hidden cells are taken to be 1 at least: one of nobody has no row. ``safe`` remembers which sets
    of linked cells tell nothing.
    """
    cells = np.flatnonzero(hidden)
    place = {cell: number for number, cell in enumerate(cells)}
    entries, right = [], []
    for plus, minus in sums:
        plus, minus = plus[hidden[plus]], minus[hidden[minus]]
        if len(plus) + len(minus):
            entries += [(len(right), place[cell], 1.0) for cell in plus]
            entries += [(len(right), place[cell], -1.0) for cell in minus]
            right.append(count[plus].sum() - count[minus].sum())
    if not right:
        return []
    lines, columns, values = zip(*entries, strict=True)
    shape = (len(right), len(cells))
    equations = csr_array((values, (lines, columns)), shape=shape)
    _, part = connected_components(equations.T @ equations, directed=False)
    exposed = []
    for number in np.unique(part[[place[cell] for cell in np.flatnonzero(small)]]):
        mine = np.flatnonzero(part == number)
        rows = np.unique(equations[:, mine].nonzero()[0])
        if not len(rows):
            continue
        block, target = equations[rows][:, mine], np.asarray(right)[rows]
        signature = (cells[mine].tobytes(), target.tobytes())
        if signature in safe:
            continue
        before = len(exposed)
        open_cells = [i for i, cell in enumerate(cells[mine]) if small[cell]]
        while open_cells:
            cell = open_cells.pop()
            wish = np.zeros(len(mine))
            wish[cell] = -1
            found = linprog(wish, A_eq=block, b_eq=target, bounds=(1, None), method="highs")
            if found.status == 0 and found.x[cell] < min_cell - 1e-6:
                exposed.append(cells[mine[cell]])
            elif found.status == 0:
                # One answer shows of many cells at once that they may be large.
                open_cells = [i for i in open_cells if found.x[i] < min_cell]
        if len(exposed) == before:
            safe.add(signature)
    return exposed
