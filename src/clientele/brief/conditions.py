"""What is stale, what failed, and what readers should be warned of."""

import datetime
from dataclasses import dataclass

import numpy as np

from clientele.brief.explaining import Lateness

# Lines that were rejected among the new ones: this many times the usual share, this much of all
# new lines, and this many lines.
REJECTED_RATIO, REJECTED_SHARE, REJECTED_LINES = 2.0, 0.01, 20
# A day without orders more than usual is not stale yet: exports are made at night.
SPARE_DAYS = 1
LATE_SHARE = 0.005


@dataclass(frozen=True)
class Condition:
    """A sentence, and whether it is `stale`, `failed` or a `warning`."""

    kind: str
    text: str


def conditions(
    reader, today: datetime.date, late: Lateness, money, notes: list[str]
) -> list[Condition]:
    """Return all conditions, the stale ones first, then what failed."""
    found = [
        *_stale(reader, today),
        *_unfinished(reader),
        *_rejected(reader, money),
        *_forecasts(reader),
        *_drift(reader),
        *_late(reader, late, money),
        *(Condition("warning", note) for note in notes),
    ]
    order = ("stale", "failed", "warning")
    return sorted(found, key=lambda condition: order.index(condition.kind))


def _stale(reader, today: datetime.date) -> list[Condition]:
    as_of = reader.pair.now["as_of_date"]
    newest, usual = reader.rows(
        """
        with days as (
            select distinct order_date from now.marts.fct_orders where order_date <= $as_of
        ),
        gaps as (
            select order_date, order_date - lag(order_date) over (order by order_date) as gap
            from days
        )
        select max(order_date), quantile_cont(gap, 0.99) filter (order_date > $as_of - 366)
        from gaps
        """,
        {"as_of": as_of},
    )[0]
    if newest is None:
        return [Condition("stale", "There are no orders at all.")]
    usual = int(np.ceil(usual or 1))
    age, old = (today - newest).days, (today - as_of).days
    if age > usual + SPARE_DAYS:
        return [
            Condition(
                "stale",
                f"The newest order is of {day_of(newest)}, {days(age)} ago. This shop is rarely "
                f"without orders for more than {days(usual)}. Check the export, and build again.",
            )
        ]
    if old > usual + SPARE_DAYS:
        text = f"The figures are as of {day_of(as_of)}, {days(old)} ago. Build again."
        return [Condition("stale", text)]
    return []


def _unfinished(reader) -> list[Condition]:
    """Builds between the two publications that did not end have no seconds."""
    if not reader.has("rpt_build_changes", "orders_seconds", "built_at") or not reader.has_before:
        return []
    count = reader.rows(
        "select count(*) from now.marts.rpt_build_changes "
        "where orders_seconds is null and built_at > $since and built_at < $until",
        {"since": reader.pair.before["built_at"], "until": reader.pair.now["built_at"]},
    )[0][0]
    if not count:
        return []
    what = "A build" if count == 1 else f"{count} builds"
    return [
        Condition("failed", f"{what} since the last page did not end. The newest one has passed.")
    ]


def _rejected(reader, money) -> list[Condition]:
    """Compare the lines that were rejected since with the share that was before."""
    if not reader.has_before or not reader.has("rpt_data_quality", "severity"):
        return []
    rows = reader.rows(
        """
        select now.reason, now.meaning,
            now.row_count - coalesce(earlier.row_count, 0) as lines,
            now.amount - coalesce(earlier.amount, 0) as amount,
            now.severity in ('warning', 'error') as is_bad,
            coalesce(earlier.row_count, 0) as earlier_lines
        from now.marts.rpt_data_quality as now
        left join before.marts.rpt_data_quality as earlier using (reason)
        """
    )
    new, earlier = sum(row[2] for row in rows), sum(row[5] for row in rows)
    bad = [row for row in rows if row[4]]
    lines, usual = sum(row[2] for row in bad), sum(row[5] for row in bad) / max(earlier, 1)
    if new <= 0 or lines < REJECTED_LINES:
        return []
    share = lines / new
    if share < max(REJECTED_SHARE, REJECTED_RATIO * usual):
        return []
    main = max(bad, key=lambda row: (row[2], row[0]))
    text = (
        f"{lines:,} of {new:,} new lines were left out ({share:.1%}, before {usual:.1%}), worth "
        f"{money(float(sum(row[3] for row in bad)))}. "
        f"Most: {main[0].replace('_', ' ')}, {main[2]:,} lines."
    )
    return [Condition("failed", text)]


def _forecasts(reader) -> list[Condition]:
    if not reader.has("fct_customer_values", "reliability", "reliability_reason"):
        return []
    # The same reason with another day in brackets is one reason.
    rows = reader.rows(
        r"""
        select coalesce(rtrim(regexp_replace(reliability_reason, '\s*\([^()]*\)\.?$', ''), '.'),
                'They have not been tested') as reason,
            list(distinct horizon_days order by horizon_days) as horizons
        from now.marts.fct_customer_values where not is_reliable group by all order by horizons
        """
    )
    found = []
    for reason, horizons in rows:
        *first, last = (str(horizon) for horizon in horizons)
        when = f"{', '.join(first)} and {last}" if first else last
        text = f"Do not rely on the forecasts for {when} days: {reason[0].lower()}{reason[1:]}."
        found.append(Condition("warning", text))
    return found


def _drift(reader) -> list[Condition]:
    """Say that customers have drifted from their segments, and that segments were fitted again."""
    found = []
    if reader.has("rpt_segmentation_drift", "is_exceeded"):
        count = reader.rows(
            "select count(*) from now.marts.rpt_segmentation_drift where is_exceeded"
        )[0][0]
        if count:
            found.append(
                Condition(
                    "warning",
                    "Customers have moved away from the segments they were fitted on. "
                    "The next build may fit them again.",
                )
            )
    return found


def _late(reader, late: Lateness, money) -> list[Condition]:
    """Return how many orders came after the last page, and how many are gone since."""
    if not reader.has_before:
        return []
    min_cell, day = int(reader.pair.now["min_cell"]), day_of(reader.pair.before["as_of_date"])
    found = []
    if late.share >= LATE_SHARE and late.customers >= min_cell:
        text = (
            f"{late.orders:,} orders ({money(late.amount)}) of days up to {day} came after the "
            "last page. Its figures were too low by that."
        )
        found.append(Condition("warning", text))
    if late.gone_customers >= min_cell:
        text = (
            f"{late.gone_orders:,} orders ({money(late.gone_amount)}) of the last page are gone "
            "from the source. Check that they were meant to go."
        )
        found.append(Condition("warning", text))
    return found


def days(count: int) -> str:
    """Return a number of days, in years if it is long."""
    if count > 730:
        return f"{count / 365.25:.0f} years"
    return f"{count} day" if count == 1 else f"{count:,} days"


def day_of(date: datetime.date) -> str:
    """Return a day as people write it."""
    return f"{date.day} {date:%B} {date.year}"
