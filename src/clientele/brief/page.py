"""Put the page together: what each change says in words, what else to know."""

import datetime
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from clientele.brief import explaining, judging, panels, publications, steps
from clientele.brief.campaigns import last_campaigns
from clientele.brief.changes import Change, changes, is_judged
from clientele.brief.conditions import Condition, conditions, day_of

# Without a publication of an earlier day, the page is about the last week.
DEFAULT_DAYS = 7
ALONE = {
    "sales": "Sales",
    "orders": "Orders",
    "new": "Orders of new customers",
    "value": "The average order",
    "price": "Prices",
    "returns": "Returns",
    "discount": "Discounts",
}
SUBJECTS = {
    "behaviour": "Segment “{}”",
    "rfm": "RFM group “{}”",
    "state": "{}",
    "country": "Country “{}”",
    "channel": "Channel “{}”",
    "category": "Category “{}”",
    "product_id": "Product “{}”",
}


@dataclass(frozen=True)
class Said:
    """A change in words, with what its picture needs; ``unit`` is that of its history."""

    title: str
    sentences: list[str]
    advice: str
    command: str
    change: Change
    unit: str


@dataclass(frozen=True)
class Brief:
    """The whole page."""

    title: str
    lead: list[str]
    said: list[Said]
    none: str
    campaigns: list[str]
    conditions: list[Condition]
    word: str
    footer: str

    @property
    def is_stale(self) -> bool:
        """Whether the data or the figures are old."""
        return any(condition.kind == "stale" for condition in self.conditions)


def brief(folder: Path, today: datetime.date, since: str | None = None) -> Brief:
    """Return the page of the current publication in ``folder``.

    Args:
        folder: The folder of publications.
        today: The day against which figures are old.
        since: Build id or day of the publication to compare with; the default is a week older.

    Raises:
        ValueError: Nothing is published, or nothing fits ``since``.
    """
    pair = publications.choose(folder, since)
    with publications.reader(pair) as reader:
        return _brief(reader, today)


def _brief(reader, today: datetime.date) -> Brief:
    now, before = reader.pair.now, reader.pair.before
    min_cell, currency = int(now["min_cell"]), now["currency"] or ""
    length = (now["as_of_date"] - before["as_of_date"]).days if before else DEFAULT_DAYS

    def money(amount: float, sign: bool = False) -> str:
        return amount_of(amount, currency, sign=sign)

    calendar = panels.calendar_of(reader, now["as_of_date"], max(length, 1))
    panel = panels.read(reader, calendar, has_start=before is not None and length > 0)
    late = explaining.lateness(reader, panel)
    found = changes(panel, min_cell=min_cell) if length > 0 else []
    currencies = 1
    if reader.has("rpt_reconciliation", "currency"):
        currencies = reader.rows(
            "select count(distinct currency) from now.marts.rpt_reconciliation"
        )[0][0]
    said = []
    for change in found:
        why = explaining.missing(change, late)
        step = steps.CHECK_DATA if why else steps.next_step(reader, change, min_cell)
        who = f" {step.customers:,} customers:" if step.customers else ""
        sentences = [
            _against(change, calendar, money),
            *explaining.behind(reader, panel, change, money, min_cell),
            why or explaining.cause(panel, change, money, currencies),
        ]
        said.append(
            Said(
                _title(change, money),
                [sentence for sentence in sentences if sentence],
                step.advice + who,
                step.command,
                change,
                _unit(change),
            )
        )
    when = _period(calendar) if length > 0 else day_of(now["as_of_date"])
    return Brief(
        title=f"{now['source_name']}: {when}",
        lead=_lead(panel, money, min_cell) if length > 0 else [],
        said=said,
        none=_none(panel, length),
        campaigns=last_campaigns(reader, money, min_cell),
        conditions=conditions(reader, today, late, money, panel.notes),
        word=calendar.word,
        footer=_footer(now, before),
    )


def amount_of(amount: float, currency: str, *, sign: bool = False) -> str:
    """Return an amount with its currency: cents where it is small, three digits where it is large.

    A figure with more digits would look more certain than it is.
    """
    size, amount = abs(amount), _rounded(amount)
    text = f"{amount:+,.0f}" if sign else f"{amount:,.0f}"
    if 0 < size < 100:
        text = f"{amount:+,.2f}" if sign else f"{amount:,.2f}"
    return f"{text} {currency}".strip()


def _rounded(value: float) -> float:
    size = abs(value)
    return round(value, 2 - int(np.floor(np.log10(size)))) if size >= 1000 else value


def value_of(value: float, unit: str) -> str:
    """Return a value of a measure of this unit."""
    if unit == "share":
        return f"{value:.1%}"
    if unit == "index":
        return f"{value:.0%}"
    if unit == "money":
        return f"{value:,.2f}" if abs(value) < 1000 else f"{_rounded(value):,.0f}"
    return f"{value:,.0f}"


def _unit(change: Change) -> str:
    return {
        "sales": "money",
        "value": "money",
        "price_of": "money",
        "price": "index",
        "discount": "share",
    }.get(change.kind, "orders")


def _title(change: Change, money) -> str:
    rise = change.actual / change.usual - 1 if change.usual else np.inf
    size = f"{abs(rise):.0%}" if rise < 1 else f"to {change.actual / max(change.usual, 1e-9):.1f}x"
    way = "up" if change.is_up else "down"
    if change.kind == "price_of":
        subject = f"Price of “{change.label}”"
    elif change.kind == "group":
        subject = SUBJECTS[change.dimension].format(change.label)
        subject = subject[0].upper() + subject[1:] + ": orders"
    else:
        subject = ALONE[change.kind]
    return f"{money(change.money, sign=True)}: {subject} {way} {size}"


def _against(change: Change, calendar, money) -> str:
    """Return the figure, what was to be expected, and how unusual that is."""
    unit = _unit(change)

    def written(value):
        return money(value) if unit == "money" else value_of(value, unit)

    actual, usual = written(change.actual), written(change.usual)
    text = {
        "sales": f"{actual} instead of about {usual}.",
        "value": f"An order is worth {actual} instead of about {usual}.",
        "price": "The same products, each compared with its own price before.",
        "price_of": f"It is paid {actual} instead of about {usual}.",
        "returns": f"{actual} returns instead of about {usual}.",
        "discount": f"Discounts are {actual} of the sales instead of about {usual}.",
    }.get(change.kind, f"{actual} orders instead of about {usual}.")
    if change.is_seasonal:
        text += " The time of the year is allowed for."
    if change.dimension in ("behaviour", "rfm"):
        text += f" It is compared with its customers on {change.errors} earlier days."
    else:
        text += f" It was never so far off in {change.errors} such periods before."
    if change.is_lasting:
        text += f" It was already so in the {calendar.word} before."
    return text


def _period(calendar) -> str:
    first = calendar.start + datetime.timedelta(days=1)
    last = day_of(calendar.as_of)
    return f"{day_of(first)} to {last}" if calendar.days > 1 else last


def _lead(panel, money, min_cell: int) -> list[str]:
    """Return the sales, orders and customers of the period and of earlier ones."""
    total, calendar = panel.total, panel.calendar
    if not len(total.names) or total.customers[0, 0] < min_cell:
        return ["There are too few orders in this period to show."]
    lead = [
        f"{money(total.sales[0, 0])} from {total.orders[0, 0]:,.0f} orders of "
        f"{total.customers[0, 0]:,.0f} customers, before returns."
    ]
    weeks = calendar.step // 7
    before = {
        1: "The week before" if weeks == 1 else f"The same {weeks} weeks earlier",
        calendar.season: "a year ago",
    }
    parts = [
        f"{words}: {money(total.sales[0, back])}"
        for back, words in before.items()
        if back < total.sales.shape[1] and total.customers[0, back] >= min_cell
    ]
    return [*lead, *([f"{'; '.join(parts)}."] if parts else [])]


def _none(panel, length: int) -> str:
    """Return what stands in place of changes if there are none."""
    if length <= 0:
        return "Both publications are of the same day, so there is no period to look at."
    if not is_judged(panel):
        needed = judging.LEVEL_PERIODS + judging.MIN_ERRORS + 1
        return (
            f"There is too little history to tell a change from chance: {panel.calendar.periods} "
            f"periods of this length, and {needed} are needed."
        )
    return (
        "Nothing is beyond what such periods usually do. Sales, orders, prices, returns, segments, "
        "countries and products were looked at."
    )


def _footer(now: dict, before: dict | None) -> str:
    text = f"Publication {now['build_id']}, as of {now['as_of_date']}"
    if before:
        return f"{text}, compared with {before['build_id']}, as of {before['as_of_date']}."
    return (
        f"{text}. There is no earlier publication of another day, so the last {DEFAULT_DAYS} days "
        "are shown."
    )
