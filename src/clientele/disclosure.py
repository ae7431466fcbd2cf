"""Decide which figures must be hidden, so that no small group of customers is exposed."""

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
    """Return which rows must be hidden.

    A row of 1 to ``min_cell`` - 1 customers is hidden (primary suppression). More rows are hidden
    if the small row could otherwise be derived, or be recognised as small, from known sums
    (secondary suppression; Hundepool et al., Statistical Disclosure Control, 2012, chapter 4). A
    sum with hidden rows has at least two, and each of them may be as large as ``min_cell``. Then
    linear programs compute the largest possible value of each small row, given all sums of the
    table. While one is below ``min_cell``, the smallest row beside it is hidden too.

    Args:
        frame: One row per cell; a missing row has no customers.
        customers: Column with the cell's number of customers; null is 0.
        min_cell: Smallest number of customers that may be shown.
        margins: Lists of columns: rows that are equal in them add up to a known figure. A row with
            a null in them belongs to no such sum.
        total: A column, and its value in rows that are the sum of the other rows with equal columns
            ``cell``. Such sums are not added to their parts, and the parts of a hidden sum are
            hidden.
        cell: Columns that identify the total of a row.
        also: Rows that are hidden for other reasons.
        links: Pairs of positions: rows that have the same unknown sum as other rows.

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
    # Each with the row that reveals it, if that row can be hidden too.
    sums = [(rows, None) for margin in margins for rows in _groups(frame, margin, ~is_total)]
    if total:
        sums += [(rows, None) for margin in margins for rows in _groups(frame, margin, is_total)]
        sums += [(rows[~is_total[rows]], rows[is_total[rows]]) for rows in families]
    # A sum that is too small is not shown anywhere.
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
    """Return the small cells that can be proved to be below ``min_cell``.

    For each of ``sums``, the difference between the first and the second positions is known. Hidden
    cells are at least 1, because a cell without customers has no row. ``safe`` remembers the sets
    of linked cells that reveal nothing.
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
                # One solution shows for many cells at once that they may be large.
                open_cells = [i for i in open_cells if found.x[i] < min_cell]
        if len(exposed) == before:
            safe.add(signature)
    return exposed
