"""Guess what the columns of an unknown export are, by their names and by what they hold."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import duckdb

from clientele.sources.cents import settle_cents
from clientele.sources.common import UnreadableSource, literal, quoted
from clientele.sources.contents import complete
from clientele.sources.discounting import settle_discount
from clientele.sources.excluding import exclude_cancelled, exclude_statuses, exclude_tests
from clientele.sources.guests import leave_out_guests
from clientele.sources.leftovers import refuse_wide, settle_unused
from clientele.sources.multiplying import settle_money, settle_rival
from clientele.sources.naming import ROLES, matched_role, plain
from clientele.sources.nearing import describe_near
from clientele.sources.returning import settle_returns
from clientele.sources.services import leave_out_services
from clientele.sources.shares import settle_share
from clientele.sources.times import join_times
from clientele.sources.values import meaningful
from clientele.sources.wholes import settle_whole_orders

# Lines that tell what columns hold, in blocks, so that most orders are whole.
SPREAD, BLOCK = 20_000, 500
_DIGITS = r"[\d.,'\s\x{00A0}\x{202F}]*"
NUMERIC = rf"[^\d]{{0,5}}{_DIGITS}\d{_DIGITS}[^\d]{{0,5}}"
# An EAN, UPC or GTIN; no shop takes that much money for a line.
BARCODE = r"[0-9]{12,14}(\.0+)?"
_MONTH = "[A-Za-z]{3,9}"
DATED = (
    r"^(19|20)\d{2}(0[1-9]|1[0-2])([0-2]\d|3[01])$|"
    rf"\d{{1,4}}[-/. ](\d{{1,2}}|{_MONTH})[-/., ]+\d{{2,4}}|{_MONTH}[- ]\d{{1,2}},?[- ]\d{{2,4}}"
)
PLURAL = re.compile(
    r"^(items|products|articles|artikel|produkte|produits|articulos|productos|articoli|prodotti)$"
)
AMOUNTS = ("refund", "shipping", "tax", "total")
NUMBERS = {"quantity", "unit_price", "line_amount", "discount_amount", "unit_cost", *AMOUNTS}


@dataclass
class Guess:
    """What the columns are taken for.

    Attributes:
        table: Settings of the table: `columns`, `order_amounts`, `exclude`.
        why: For each of our columns, why.
        doubts: What is unsure, in sentences, the greatest doubt first.
        ask: A function from a question and choices to one of them; None if no one can be asked.
        negative: Role -> SQL of a column that is made negative on lines that are returns.
        first: Doubts about money, which come before those about currency and time zone.
        computed: Role -> SQL of several columns that give it.
    """

    table: dict = field(default_factory=lambda: {"columns": {}})
    why: dict = field(default_factory=dict)
    doubts: list[str] = field(default_factory=list)
    ask: Callable[[str, list[str]], str] | None = None
    negative: dict = field(default_factory=dict)
    first: list[str] = field(default_factory=list)
    computed: dict = field(default_factory=dict)

    def choose(self, question: str, choices: list[str], doubt: str) -> int:
        """Return the position of the right choice: what is asked, or else the first, in doubt."""
        if self.ask is not None:
            return choices.index(self.ask(question, choices))
        self.doubts.insert(0, doubt)
        return 0


def guess(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    columns: list[str],
    settings: dict,
    ask: Callable[[str, list[str]], str] | None = None,
) -> Guess:
    """Guess the mapping of a table of texts; ``ask`` as in `Guess`.

    Raises:
        UnreadableSource: no column can be an order's number, its time, or its money.
    """
    # Without lines of an earlier file: an order's amounts would seem to stand on several lines.
    connection.execute(
        f"create or replace temp table spread as from {relation} where abs(_row) // {BLOCK} % "
        f"(select greatest(count(*) // {SPREAD}, 1) from {relation}) = 0 qualify _file = "
        f"min(_file) over (partition by {', '.join(map(quoted, columns))})"
    )
    facts = {name: _facts(connection, "spread", name, settings) for name in columns}
    chosen, found, totals = {}, Guess(ask=ask), set()
    prefix = f"{settings.get('unnest') or 'line'}."
    for role in ["ordered_at", *[role for role in ROLES if role != "ordered_at"]]:
        taken = set(chosen.values()) | (totals if role == "line_amount" else set())
        best, why = _best(role, columns, facts, taken, prefix)
        while (
            best and role == "line_amount" and _is_stated_once(connection, "spread", chosen, best)
        ):
            # An order's total, on each of its lines.
            totals.add(best)
            best, why = _best(role, columns, facts, taken | totals, prefix)
        if role == "total" and not best and len(totals) == 1:
            # Its name could be an amount of a line.
            [best], why = totals, "the same on each line of an order"
        if best:
            chosen[role] = best
            found.why[role] = why
    coded = _doubt_barcodes(facts, chosen, found)
    refuse_wide(connection, relation, columns, chosen)
    was_known = "order_id" in chosen
    relation = leave_out_services(connection, relation, facts, chosen, found)
    complete(connection, relation, facts, chosen, found, plain, spread="spread")
    if not was_known:
        relation = leave_out_services(connection, relation, facts, chosen, found)
    if "line_amount" in chosen and _is_stated_once(
        connection, "spread", chosen, chosen["line_amount"]
    ):
        # It was taken before the order's number was known.
        taken = set(chosen.values())
        if other := _best("line_amount", columns, facts, taken, prefix)[0]:
            totals.add(chosen["line_amount"])
            chosen.setdefault("total", chosen["line_amount"])
            chosen["line_amount"] = other
    # An amount has said already which of several prices it is.
    rivals = ["line_amount"] if "line_amount" in chosen else ["line_amount", "unit_price"]
    settle_share(connection, "spread", facts, chosen, found)
    settle_money(connection, "spread", chosen, found)
    settle_whole_orders(connection, relation, chosen, found)
    settle_unused(connection, "spread", facts, chosen, found)
    settle_discount(connection, "spread", chosen, found)
    if role := next((r for r in rivals if r in chosen), None):
        taken = set(chosen.values()) | totals
        rival, _ = _best(role, columns, facts, taken, prefix)
        settle_rival(connection, "spread", chosen, found, rival, role)
    _persons(chosen, found)
    leave_out_guests(connection, relation, chosen, found)
    missing = [
        label
        for role, label in {
            "order_id": "an order's number",
            "ordered_at": "an order's time",
        }.items()
        if role not in chosen
    ]
    if "unit_price" not in chosen and "line_amount" not in chosen:
        missing.append("a price or an amount")
    if missing:
        raise UnreadableSource(
            f"no column looks like {' or '.join(missing)}; the columns are {', '.join(columns)}. "
            f"{coded}{describe_near(connection, 'spread', facts, chosen, totals, missing)}"
            "Copy sources/template.yml and map them by hand"
        )
    join_times(connection, relation, facts, chosen, found)
    settle_returns(connection, relation, facts, chosen, found)
    _order_level(connection, "spread", chosen, found)
    exclude_statuses(connection, relation, chosen, found)
    exclude_cancelled(connection, relation, facts, chosen, found)
    exclude_tests(connection, relation, columns, chosen, found)
    for role in ROLES:
        if role in chosen and role not in ("email", "phone", "person", "status", *AMOUNTS):
            found.table["columns"][role] = chosen[role]
    if "line_id" in chosen:
        found.table["columns"]["line_id"] = chosen["line_id"]
    if "customer_id" in found.why and "customer_id" not in found.table["columns"]:
        found.table["columns"]["customer_id"] = chosen["customer_id"]
    for role in ("product_id", "quantity"):
        if role not in chosen and not (role == "quantity" and "line_amount" in chosen):
            if role == "product_id" and "product_name" in chosen:
                found.table["columns"]["product_id"] = {
                    "expression": quoted(chosen["product_name"])
                }
                found.why["product_id"] = "the product's name, because there is no number"
            elif role == "quantity":
                found.table["columns"]["quantity"] = {"expression": "1"}
                found.doubts.insert(
                    0, "No column looks like a quantity: each line counts as one piece."
                )
    computed = found.computed | found.negative
    found.table["columns"] |= {role: {"expression": sql} for role, sql in computed.items()}
    settle_cents(connection, relation, chosen, found)
    return found


def _facts(connection, relation, name, settings):
    """Return what a column holds: the shares of filled cells, numbers, times and addresses."""
    value = meaningful(quoted(name), settings.get("null_values"))
    rows, filled, different, numeric, dated, addresses, decimals, counts, codes, code = (
        connection.execute(
            f"""
            select count(*), count(text), count(distinct text),
                count(*) filter (where regexp_full_match(text, {literal(NUMERIC)})),
                count(*) filter (where regexp_matches(text, {literal(DATED)})
                    or try_cast(replace(text, ',', '.') as double) between 30000 and 60000
                    or try_cast(text as double) between 1e9 and 3e9),
                count(*) filter (where text like '%_@_%._%'),
                count(*) filter (where regexp_full_match(text, {literal(NUMERIC)})
                    and regexp_matches(text, '[1-9]')
                    and regexp_matches(text, '[.,][0-9]{{2}}[^0-9]*$')),
                count(*) filter (where regexp_full_match(text, '[0-9]{{1,3}}([.]0+)?')),
                count(*) filter (where regexp_full_match(text, {literal(BARCODE)})),
                min(text) filter (where regexp_full_match(text, {literal(BARCODE)}))
            from (select {value} as text from {relation})
            """
        ).fetchone()
    )
    return {
        "filled": filled / max(rows, 1),
        "once": different / max(filled, 1),
        "different": different,
        "numeric": numeric / max(filled, 1),
        "dated": dated / max(filled, 1),
        "mail": addresses / max(filled, 1),
        "decimals": decimals / max(filled, 1),
        "counts": counts / max(filled, 1),
        "barcodes": codes / max(filled, 1),
        "barcode": code,
    }


def _best(role, columns, facts, taken, prefix):
    """Return the column that fits a role best, and why; None if none does."""
    scored = []
    for position, name in enumerate(columns):
        text, fact = plain(name.removeprefix(prefix)), facts[name]
        if name in taken or fact["filled"] == 0:
            continue
        matched = matched_role(role, text)
        if matched is None:
            continue
        if role in NUMBERS and (fact["numeric"] < 0.6 or fact["barcodes"] > 0.5):
            continue
        if role == "ordered_at" and fact["dated"] < 0.6:
            continue
        if role == "refund" and text.endswith("returns") and not fact["decimals"]:
            # A number of pieces.
            continue
        if PLURAL.search(text) and (role == "quantity") != (fact["counts"] > 0.9):
            # Products by name, or their number.
            continue
        if role == "person" and max(fact["numeric"], fact["dated"], fact["mail"]) > 0.5:
            continue
        if role == "email" and fact["mail"] < 0.5:
            continue
        if role in ("order_id", "promotion_id") and fact["decimals"] > 0.5:
            continue
        if role in ("order_id", "ordered_at") and fact["filled"] < 0.3:
            continue
        if role == "customer_id" and fact["numeric"] < 0.5 and fact["mail"] > 0.5:
            continue
        scored.append((matched, -fact["filled"], position, name))
    if scored:
        return min(scored)[-1], "by its name"
    if role == "ordered_at":
        dated = [n for n in columns if facts[n]["dated"] > 0.9 and facts[n]["filled"] > 0.9]
        dated = [n for n in dated if not re.search(ROLES["ordered_at"]["not"], plain(n))]
        if len(dated) == 1:
            return dated[0], "the only column of times"
    return None, None


def _doubt_barcodes(facts, chosen, found):
    """Doubt barcodes in columns that are numbers by their names; return what was told."""
    told = []
    for name, fact in facts.items():
        roles = [role for role in NUMBERS if matched_role(role, plain(name)) is not None]
        if fact["barcodes"] <= 0.5 or not roles or name in chosen.values():
            continue
        told.append(f"'{name}' holds barcodes, such as {fact['barcode']}: it is no money or count.")
    found.doubts += told
    return "".join(f"{sentence} " for sentence in told)


def _persons(chosen, found):
    """Find a key of the customer where there is no number of one."""
    if "customer_id" in chosen:
        return
    parts = [chosen[role] for role in ("email", "phone") if role in chosen]
    if parts:
        chosen["customer_id"] = parts if len(parts) > 1 else parts[0]
        found.why["customer_id"] = "an address in place of a number"
        found.doubts.append(
            f"There is no customer number. A customer is {' or else '.join(map(repr, parts))}: one "
            "person with two addresses is two customers."
        )
    elif "person" in chosen:
        chosen["customer_id"] = chosen["person"]
        found.why["customer_id"] = "a name in place of a number"
        found.doubts.append(
            f"There is no customer number. A customer is a name ('{chosen['person']}'): two "
            "persons of one name are one customer."
        )
    else:
        found.doubts.insert(0, "No column names the customer: every order counts as a guest's.")


def _order_level(connection, relation, chosen, found):
    """Find money that is stated once per order: on its first line, or the same on all of them."""
    amounts = {}
    for role in ("discount_amount", *AMOUNTS):
        if role not in chosen:
            continue
        orders, stated = _stated_once(connection, relation, chosen, chosen[role])
        is_order_level = orders > 0 and stated >= 0.9 * orders
        if role != "discount_amount" and (is_order_level or orders == 0):
            amounts[role] = chosen[role]
        elif role == "discount_amount" and is_order_level and orders > 1:
            amounts["discount"] = chosen.pop(role)
            found.doubts.append(
                f"'{amounts['discount']}' is stated once per order and is allotted to its lines."
            )
        elif role == "refund":
            chosen["refunded_amount"] = chosen[role]
            found.table["columns"]["refunded_amount"] = chosen[role]
    if amounts:
        found.table["order_amounts"] = amounts


def _stated_once(connection, relation, chosen, name):
    """Return how many orders with several lines have money in a column, and how many state it once.

    That is on their first line only, or the same on all of their lines.
    """
    order = f"nullif({quoted(chosen['order_id'])}, '')"
    return connection.execute(
        f"""
        select count(*), count(*) filter (
            where (filled = 1 and first_filled) or (filled = n and different = 1))
        from (
            select count(*) as n, count(value) as filled, count(distinct value) as different,
                arg_min(value is not null, _row) as first_filled
            from (
                select last_value({order} ignore nulls) over (order by _file, _row) as key,
                    {meaningful(quoted(name))} as value, _row
                from {relation}
            )
            group by key having count(*) > 1
                and max(try_cast(regexp_extract(value, '[0-9]+') as double)) > 0
        )
        """
    ).fetchone()


def _is_stated_once(connection, relation, chosen, name):
    if "order_id" not in chosen:
        return False
    orders, stated = _stated_once(connection, relation, chosen, name)
    return orders > 2 and stated >= 0.9 * orders
