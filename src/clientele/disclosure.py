"""Decide which figures must be hidden, so that no small group of customers is exposed."""

import itertools

import numpy as np
import pandas as pd
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
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
) -> pd.Series:
    """Return which rows must be hidden.

    A row of 1 to ``min_cell`` - 1 customers is hidden (primary suppression). More rows are hidden
    if the small row could otherwise be derived, or be recognised as small, from known sums
    (secondary suppression; Hundepool et al., Statistical Disclosure Control, 2012, chapter 4). A
    sum with hidden rows has at least two, and one of them may be as large as ``min_cell``. An
    integer program finds the rows that hide the least. Then linear programs compute the largest
    possible value of each small row, given all sums of the table. While one is below ``min_cell``,
    the integer program must hide another row next to it.

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

    Returns:
        Booleans in the frame's index, true where hidden.
    """
    count = frame[customers].fillna(0).to_numpy(dtype=float)
    small = (count > 0) & (count < min_cell)
    forced = small if also is None else small | (also.to_numpy(dtype=bool) & (count > 0))
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
        tellers = [(rows[~is_total[rows]], rows[is_total[rows]]) for rows in families]
        sums += [(rows, told_by if len(told_by) else None) for rows, told_by in tellers]
    # A sum that is too small is not shown anywhere.
    sums = [(rows, told_by) for rows, told_by in sums if count[rows].sum() >= min_cell]
    sums = [(rows[count[rows] > 0], told_by) for rows, told_by in sums]
    families = [rows[count[rows] > 0] for rows in families]

    required: list[np.ndarray] = []
    safe: set[tuple[bytes, bytes]] = set()
    for attempt in itertools.count():
        hidden = np.zeros(len(count), dtype=bool)
        # Tables that share no sum are solved one by one.
        for cells in _parts(len(count), [*(r for r, _ in sums), *families, *required], forced):
            mine = [[rows for rows in some if cells[rows].any()] for some in (families, required)]
            own = [(rows, by) for rows, by in sums if cells[rows].any()]
            hidden |= _least(count, forced & cells, own, mine[0], is_total, mine[1], min_cell)
        known = [(rows, by) for rows, by in sums if by is None or not hidden[by].all()]
        known = [(rows, by) for rows, by in known if hidden[rows].any()]
        equations = [(rows, rows[:0]) for rows, _ in known]
        equations += [
            (rows[~is_total[rows]], rows[is_total[rows]])
            for rows in families
            if (hidden & is_total)[rows].any()
        ]
        found = len(required)
        for seen in _exposed(count, small, hidden, equations, min_cell, safe):
            others = [np.concatenate(sides) for sides in equations]
            tellers = [by for rows, by in known if by is not None and seen in rows]
            for choice in ([rows for rows in others if seen in rows], tellers):
                shown = np.unique(np.concatenate(choice)) if choice else np.empty(0, dtype=int)
                shown = shown[~hidden[shown]]
                if len(shown):
                    required.append(shown)
                    break
        if len(required) == found:
            return pd.Series(hidden, index=frame.index)
        if attempt >= 5:
            # What is hidden stays hidden, so that the search ends.
            forced = hidden


def _least(
    count: np.ndarray,
    forced: np.ndarray,
    sums: list[tuple[np.ndarray, np.ndarray | None]],
    families: list[np.ndarray],
    is_total: np.ndarray,
    required: list[np.ndarray],
    min_cell: int,
) -> np.ndarray:
    """Return the rows to hide that cost least: a row costs its customers, and a little by itself.

    ``forced`` rows are hidden, of each of ``required`` at least one, and the parts of a hidden
    total. A known sum with hidden rows has at least two, and room for one of ``min_cell``.
    """
    if not forced.any():
        return forced.copy()
    cells, lines = len(count), len(sums)
    entries, lower = [], []

    def add(terms: list[tuple[int, float]], least: float) -> None:
        entries.extend((len(lower), place, weight) for place, weight in terms)
        lower.append(least)

    for line, (rows, told_by) in enumerate(sums):
        touched = cells + line
        for row in rows:
            add([(touched, 1), (row, -1)], 0)
        open_total = [] if told_by is None else [(row, float(min_cell)) for row in told_by]
        both = min(2, len(rows))
        add([(row, 1) for row in rows] + [(touched, -both)] + open_total, 0)
        room = min(min_cell - 1, (count[rows] - 1).sum())
        add([(row, count[row] - 1) for row in rows] + [(touched, -room)] + open_total, 0)
    for rows in families:
        for top in rows[is_total[rows]]:
            for part in rows[~is_total[rows]]:
                add([(part, 1), (top, -1)], 0)
    for rows in required:
        add([(row, 1) for row in rows], 1)
    fixed = np.concatenate([forced.astype(float), np.zeros(lines)])
    if not lower:
        return forced.copy()
    places, columns, weights = zip(*entries, strict=True)
    shape = (len(lower), cells + lines)
    solution = milp(
        np.concatenate([count + 2 * min_cell, np.zeros(lines)]),
        integrality=np.ones(cells + lines),
        bounds=Bounds(fixed, np.concatenate([(count > 0).astype(float), np.ones(lines)])),
        constraints=LinearConstraint(csr_array((weights, (places, columns)), shape=shape), lower),
        # Nearly the least is enough. The limit counts nodes, because time would not repeat.
        options={"mip_rel_gap": 0.02, "node_limit": 2000},
    )
    if solution.x is None:
        return count > 0
    return solution.x[:cells] > 0.5


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


def _parts(size: int, groups: list[np.ndarray], wanted: np.ndarray) -> list[np.ndarray]:
    """Return the sets of cells that groups link, as masks: those with a wanted cell."""
    pairs = [(number, cell) for number, rows in enumerate(groups) for cell in rows]
    if not pairs:
        return [wanted] if wanted.any() else []
    lines, cells = np.array(pairs).T
    shape = (len(groups), size)
    linked = csr_array((np.ones(len(pairs)), (lines, cells)), shape=shape)
    _, label = connected_components(linked.T @ linked, directed=False)
    return [label == number for number in np.unique(label[wanted])]


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
