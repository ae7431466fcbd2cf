"""Check settings that take a format, a character, a number or a currency, before data are read."""

import codecs
import datetime
import difflib
import re
import zoneinfo

from clientele.sources.currencies import CODES
from clientele.sources.placing import nearest_currency

NAMED_FORMATS = ("iso", "excel", "epoch", "epoch_ms")
# Codes of strptime that the engine reads.
STRPTIME = re.compile(r"%(-?[dHIjmMSy]|[abcfghnpuwxzABGTUVWXYZ%])")
# What spreadsheets and other programs write, and the code; MM after an hour is a minute.
LETTERS = [
    (r"(?i)(?<=h[:.])mm", "%M"), (r"(?i)y{4}|j{4}|a{4}", "%Y"), (r"(?i)yy|jj|aa", "%y"),
    (r"(?i)mmmm", "%B"), (r"(?i)mmm", "%b"), (r"(?i)(?<![%a-z])mm?(?![a-z])", "%m"),
    (r"(?i)(?<![%a-su-z])(dd?|tt)(?![a-su-z])", "%d"), (r"(?i)(?<![%a-su-z])hh?(?![a-z])", "%H"),
    (r"(?i)(?<![%a-z])ss?(?![a-z])", "%S"),
]  # fmt: skip


def format_problem(form: object) -> str:
    """Return why a text is no way to write times, and the remedy; empty if it is one."""
    if form in NAMED_FORMATS:
        return ""
    if isinstance(form, str) and "%" in form:
        unknown = re.search(r"%-?.?", STRPTIME.sub("", form))
        if unknown:
            return f"has the unknown code {unknown[0]}; write codes such as %d, %m, %Y, %H, %M, %S"
        if not re.search(r"%(-?[ymjd]|[Yxcb])", form):
            return "has no day; write codes of one, such as '%d.%m.%Y %H:%M'"
        return ""
    if str(form).lower() in NAMED_FORMATS:
        return f"is unknown; write '{str(form).lower()}'"
    meant = str(form).replace("'", "")
    for letters, code in LETTERS:
        meant = re.sub(letters, code, meant)
    meant = meant if meant != str(form) and not STRPTIME.sub("", meant).strip(" ./:,-T") else ""
    return (
        f"is no format of times; write '{meant or '%d.%m.%Y'}' (codes of strptime), or "
        f"{', '.join(NAMED_FORMATS)}"
    )


def currency_problem(code: object) -> str:
    """Return why a text is no currency, and the remedy; empty if it is one, in any case."""
    if isinstance(code, str) and code.upper() in CODES:
        return ""
    nearest = nearest_currency(str(code))
    return "is no currency; write its ISO 4217 code, " + (
        f"{nearest}" if nearest else "three letters such as EUR or USD"
    )


def similar_zones(name: str) -> str:
    """Return the zones that a mistyped name is likely to mean, as a list in words."""
    zones = sorted(zone for zone in zoneinfo.available_timezones() if "/" in zone)
    cities = {zone.rpartition("/")[2].lower(): zone for zone in zones}
    city = name.rpartition("/")[2].lower()
    similar = difflib.get_close_matches(name, zones, 2, 0.75)
    similar += [cities[found] for found in difflib.get_close_matches(city, cities, 2, 0.75)]
    return ", ".join(dict.fromkeys(similar)) or "Europe/London or UTC"


def zone_problem(zone: object) -> str:
    """Return why a text is no time zone; empty if it is one."""
    if str(zone) in zoneinfo.available_timezones():
        return ""
    return f"is no time zone; write an IANA name such as {similar_zones(str(zone))}"


def reading_problems(table: dict) -> list[str]:
    """Return the mistakes of the settings that say how a table's texts are read, as sentences."""
    problems = []

    def refuse(key, why):
        shown = f"{key}: {table[key]!r}" if table[key] != "" else key
        problems.append(f": `{shown}` {why}.")

    given = {key for key, value in table.items() if value is not None}
    if "date_format" in given:
        forms = table["date_format"]
        for form in forms if isinstance(forms, list) and forms else [forms]:
            if why := format_problem(form):
                problems.append(f": `date_format: {form}` {why}.")
    if "delimiter" in given and not _is_character(table["delimiter"]):
        refuse(
            "delimiter",
            'must be one character such as ";" or "|"; a tab is "\\t" in double quotes',
        )
    if "quote" in given and table["quote"] != "" and not (
        _is_character(table["quote"]) and table["quote"].isascii()
    ):  # fmt: skip
        refuse("quote", "must be one character such as '\"', or '' where nothing is quoted")
    if given >= {"delimiter", "quote"} and table["delimiter"] == table["quote"]:
        refuse("quote", "is the delimiter, too; correct one of both")
    if given >= {"decimal", "thousands"} and table["decimal"] == table["thousands"]:
        refuse("thousands", "is the decimal mark, too; correct one of both")
    for key, least in {"header_row": 1, "skip_footer": 0}.items():
        if key in given and not (_is_number(table[key], int) and table[key] >= least):
            refuse(key, f"must be a number of lines, {least} or more, without quotes")
    if "encoding" in given and not _is_encoding(table["encoding"]):
        refuse(
            "encoding",
            "is unknown; write a name such as utf-8, windows-1252 or utf-16",
        )
    if "timestamps_in" in given and (why := zone_problem(table["timestamps_in"])):
        refuse("timestamps_in", why)
    if "null_values" in given and not (
        isinstance(table["null_values"], list)
        and all(isinstance(word, (str, int, float)) for word in table["null_values"])
    ):
        refuse("null_values", 'must be a list of texts, such as ["", "none"]')
    texts = {key: table[key] for key in ("sheet", "unnest", "parent_key") if key in given}
    if isinstance(texts.get("sheet"), list) and texts["sheet"]:
        texts["sheet"] = next((s for s in texts["sheet"] if not isinstance(s, str)), "")
    problems += [
        f": `{key}: {text}` must be a text; put it in quotes."
        for key, text in texts.items()
        if not isinstance(text, str)
    ]
    return problems


def number_problems(source: dict) -> list[str]:
    """Return the mistakes of a source's own numbers, currencies and days, as sentences."""
    problems = []
    for key in ("max_unreadable_share", "max_differing_totals"):
        share = source.get(key)
        if share is not None and not (_is_number(share) and 0 <= share <= 1):
            problems.append(
                f"`{key}: {share}` must be a share from 0 to 1; write {_share(share)}, without "
                "quotes."
            )
    if source.get("currency") and (why := currency_problem(source["currency"])):
        problems.append(f"`currency: {source['currency']}` {why}.")
    rates = source.get("currencies")
    if rates is not None and not isinstance(rates, dict):
        problems.append("`currencies` must be pairs of <code>: <rate>, such as {USD: 0.92}.")
        rates = None
    for code, rate in (rates or {}).items():
        if why := currency_problem(code):
            problems.append(f"`currencies: {code}` {why}.")
        if not (_is_number(rate) and rate > 0):
            problems.append(
                f"`currencies: {code}: {rate}` must be the worth of one {code} in the source's "
                "currency, a number above 0 such as 0.92, without quotes."
            )
    expected = source.get("expected")
    for key, value in (expected if isinstance(expected, dict) else {}).items():
        if value is not None and not _is_number(value):
            problems.append(
                f"`expected: {key}: {value}` must be a number such as 1234.50, without quotes and "
                "thousands marks."
            )
    day = source.get("extract_date")
    if day is not None and not _is_day(day):
        problems.append(f"`extract_date: {day}` is no day; write it as 2024-12-31.")
    return problems


def _is_character(text):
    return isinstance(text, str) and len(text) == 1 and text not in "\r\n"


def _is_number(value, kinds=(int, float)):
    return isinstance(value, kinds) and not isinstance(value, bool)


def _is_encoding(name):
    try:
        return bool(codecs.lookup(name).name)
    except (LookupError, TypeError, ValueError):
        return False


def _is_day(day):
    try:
        return isinstance(day, datetime.date) or bool(datetime.date.fromisoformat(str(day)))
    except ValueError:
        return False


def _share(value):
    """Return the share that is likely meant: 0.05 for 5, '5%' and '0,05'."""
    digits = re.fullmatch(r"\s*(\d+(?:[.,]\d+)?)\s*%?\s*", str(value))
    number = float(digits[1].replace(",", ".")) if digits else 0.05
    is_percent = "%" in str(value) or number > 1
    number = number / 100 if is_percent else number
    return f"{number:g}" if 0 <= number <= 1 else "0.05"
