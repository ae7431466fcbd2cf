"""Find the currency and the time zone of a shop in its export."""

import datetime
import difflib
import re
import zoneinfo

from clientele.sources.common import quoted
from clientele.sources.currencies import CODES, currencies_of, signs_in

SIGNS = {
    "€": "EUR", "$": "USD", "£": "GBP", "¥": "JPY", "zł": "PLN", "₹": "INR", "R": "ZAR",
    "CHF": "CHF", "₽": "RUB", "₺": "TRY", "₫": "VND", "₩": "KRW", "kr": "SEK", "Kč": "CZK",
    "Ft": "HUF",
}  # fmt: skip
# Names of currencies that are no beginning of their codes.
WORDS = {
    "dollar": "USD", "pound": "GBP", "sterling": "GBP", "quid": "GBP", "yen": "JPY", "yuan": "CNY",
    "renminbi": "CNY", "rmb": "CNY", "franc": "CHF", "franken": "CHF", "zloty": "PLN",
    "rupee": "INR", "rouble": "RUB", "ruble": "RUB", "lira": "TRY", "won": "KRW", "rand": "ZAR",
    "krona": "SEK", "krone": "NOK", "real": "BRL", "reais": "BRL", "peso": "MXN",
}  # fmt: skip
# Zones that are tried for the offsets of a file.
ZONES = [
    "UTC", "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles",
    "Europe/London", "Europe/Berlin", "Europe/Helsinki", "Africa/Johannesburg", "Asia/Dubai",
    "Asia/Kolkata", "Asia/Singapore", "Asia/Tokyo", "Australia/Sydney", "Pacific/Auckland",
    "America/Sao_Paulo", "Europe/Istanbul", "Asia/Bangkok", "Australia/Brisbane", "America/Phoenix",
]  # fmt: skip

# Lines in which money with a sign is looked for.
LOOKED_AT = 20_000


def currency_of(
    connection, relation: str, table: dict, columns: list[str]
) -> tuple[str | None, list[str]]:
    """Return the most common currency of a table by its column or its signs, and the others."""
    mapped = table["columns"].get("currency")
    if isinstance(mapped, str):
        codes = [
            row[0]
            for row in connection.execute(
                f"select upper(trim({quoted(mapped)})) as code, count(*) from {relation} "
                f"where regexp_full_match(trim({quoted(mapped)}), '[A-Za-z]{{3}}') "
                "group by 1 order by 2 desc"
            ).fetchall()
        ]
        codes = [code for code in codes if code in CODES]
        return (codes[0], codes[1:]) if codes else (None, [])
    priced = [table["columns"].get(role) for role in ("unit_price", "line_amount")]
    for name in filter(columns.__contains__, priced):
        for sign, _, _ in signs_in(connection, relation, quoted(name)):
            meant = currencies_of(sign)
            if len(meant) == 1 or SIGNS.get(sign) in meant:
                return SIGNS.get(sign) or min(meant), []
    for name in dict.fromkeys([*(n for n in priced if n in columns), *columns]):
        shown = connection.execute(
            f"select {quoted(name)} from (from {relation} limit {LOOKED_AT}) "
            f"where regexp_full_match(trim({quoted(name)}), "
            "'[^0-9]{0,4}[0-9][0-9.,'' ]*[.,][0-9]{2}[^0-9]{0,4}') limit 1"
        ).fetchone()
        # A column that holds money, and its name: Price (EUR), $1.00.
        for text in (shown[0], name) if shown else ():
            code = re.search(r"\b[A-Z]{3}\b", text)
            if code and code[0] in CODES:
                return code[0], []
            for sign, known in SIGNS.items():
                if sign in text and (not sign.isalpha() or re.search(rf"\b{sign}\b", text)):
                    return known, []
    return None, []


def nearest_currency(text: str) -> str:
    """Return the code that a sign, a name or a mistyped code is likely to mean, or nothing."""
    text = text.strip()
    if sign := SIGNS.get(text) or WORDS.get(text.lower().rstrip("s")):
        return sign
    meant = currencies_of(text)
    if len(meant) == 1:
        return min(meant)
    if text.upper() in CODES:
        return text.upper()
    for codes in (sorted(SIGNS.values()), sorted(CODES)):
        if close := difflib.get_close_matches(text.upper(), codes, 1, 0.7):
            return close[0]
    return ""


def zone_of(connection, relation: str, table: dict) -> str | None:
    """Return a time zone that has the offsets which the times state, or None if they state none."""
    name = table["columns"].get("ordered_at")
    if not isinstance(name, str):
        return None
    time = quoted(name)
    rows = connection.execute(
        f"select distinct regexp_extract({time}, '^\\d{{4}}-\\d\\d-\\d\\d[T ]\\d\\d:\\d\\d'), "
        f"replace(regexp_extract({time}, ':\\d\\d ?([+-]\\d\\d:?\\d\\d)$', 1), ':', '') "
        f"from {relation} limit 2000"
    ).fetchall()
    stated = [(datetime.datetime.fromisoformat(at), offset) for at, offset in rows if at and offset]
    if not stated:
        return None
    for zone in ZONES:
        if all(offset in _offsets(at, zoneinfo.ZoneInfo(zone)) for at, offset in stated):
            return zone
    return None


def _offsets(local: datetime.datetime, zone: zoneinfo.ZoneInfo) -> set[str]:
    """Return the offsets of a local time; an hour that a zone has twice has two."""
    moments = [local.replace(tzinfo=zone, fold=fold) for fold in (0, 1)]
    return {moment.strftime("%z") for moment in moments}
