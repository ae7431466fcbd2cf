"""Read the currency that amounts have, and refuse a column whose amounts are of another."""

import re

from clientele.sources.common import UnreadableSource, counted, literal
from clientele.sources.values import BLANK, CURRENCY, MINUS, trimmed

CODES = set(
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD "
    "BTN BWP BYN BZD CAD CDF CHF CLP CNY COP CRC CUC CUP CVE CZK DJF DKK DOP DZD EGP ERN "
    "ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IQD "
    "IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD "
    "MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB "
    "PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SLL SOS "
    "SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED "
    "VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG ZWL".split()
)
DOLLARS = {code for code in CODES if code.endswith("D")} | set("MXN ARS CLP COP BRL UYU".split())
# Currencies that a sign stands for; letters before it are the beginning of the code.
SIGNS = {
    "$": DOLLARS, "€": {"EUR"}, "£": {"GBP", "EGP", "GIP", "FKP", "LBP", "SYP", "SHP", "SDG"},
    "¥": {"JPY", "CNY"}, "₹": {"INR"}, "₽": {"RUB"}, "₺": {"TRY"}, "₫": {"VND"}, "₩": {"KRW"},
    "₴": {"UAH"}, "₪": {"ILS"}, "₱": {"PHP"}, "฿": {"THB"}, "₦": {"NGN"}, "zł": {"PLN"},
    "zl": {"PLN"}, "kr": {"SEK", "NOK", "DKK", "ISK"}, "Kč": {"CZK"}, "Kc": {"CZK"},
    "Ft": {"HUF"}, "lei": {"RON", "MDL"}, "Fr": {"CHF"}, "R": {"ZAR"}, "R$": {"BRL"},
    "NT$": {"TWD"}, "S$": {"SGD"},
}  # fmt: skip
MONEY = ("unit_price", "line_amount", "discount_amount", "refunded_amount", "unit_cost")


def currencies_of(sign: str) -> set[str]:
    """Return the currencies that a code or sign such as `USD`, `€` or `CA$` may stand for.

    The set is empty for letters that name no currency, such as `PCS`.
    """
    sign = sign.rstrip(".")
    sign = "kr" if sign == "Kr" else sign
    if sign in CODES or sign in SIGNS:
        return {sign} if sign in CODES else SIGNS[sign]
    letters = re.sub(r"[^A-Z]", "", sign)
    known = SIGNS.get(sign.replace(letters, "") if letters else sign, set())
    return {code for code in known if code.startswith(letters)} or known


def signs_in(connection, relation: str, text: str) -> list[tuple[str, int, str]]:
    """Return the codes and signs next to amounts, most common first, their number, and an example.

    Args:
        connection: Where the relation is.
        relation: A table, with a condition if some rows do not count.
        text: SQL of the texts.
    """
    value = trimmed("text")
    before = f"^[(+]?{MINUS}?({CURRENCY}){BLANK}*{MINUS}?[0-9.,]"
    after = f"[0-9][.,]?{BLANK}*({CURRENCY})\\)?{MINUS}?$"
    return connection.execute(
        f"""
        select sign, count(*) as n, min(text) from (
            select text, coalesce(
                nullif(regexp_extract({value}, {literal(before)}, 1), ''),
                nullif(regexp_extract({value}, {literal(after)}, 1), '')) as sign
            from (select {text} as text from {relation})
            where regexp_matches(text, '[^-0-9.,]')
        )
        where sign is not null group by sign order by n desc, sign
        """
    ).fetchall()


def refuse_other_currencies(connection, texts: dict, table: dict, currency: str) -> None:
    """Refuse a column of `texts` whose amounts have another currency than the source's.

    Args:
        connection: Where the table `texts` is, with `_problem` and `exclude_reason`.
        texts: Canonical money columns, and amounts of orders with a `_` before their names, as SQL.
        table: The table's YAML, for the names of the raw columns.
        currency: The source's currency.

    Raises:
        UnreadableSource: the message names the column, three values and the remedies.
    """
    lines = "texts where _problem is null and exclude_reason is null"
    for name, text in texts.items():
        signs = signs_in(connection, lines, text)
        others = [
            entry for entry in signs
            if (meant := currencies_of(entry[0])) and currency.upper() not in meant
        ]  # fmt: skip
        if not others:
            continue
        mapped = {**(table.get("columns") or {}), **{
            f"_{ours}": theirs for ours, theirs in (table.get("order_amounts") or {}).items()
        }}.get(name)  # fmt: skip
        column = f"'{mapped}'" if isinstance(mapped, str) else f"`{name.removeprefix('_')}`"
        shown = [example for _, _, example in others][:3]
        if len(shown) < 3:
            first = ", ".join(literal(example) for example in shown)
            bears = " or ".join(f"contains({text}, {literal(sign)})" for sign, _, _ in others)
            shown += [
                row[0]
                for row in connection.execute(
                    f"select distinct {text} as text from {lines} and ({bears}) "
                    f"and {text} not in ({first}) order by text limit {3 - len(shown)}"
                ).fetchall()
            ]
        raise UnreadableSource(
            f"{column} holds amounts in another currency than {currency}, such as "
            f"{', '.join(map(repr, shown))} ({counted(sum(n for _, n, _ in others), 'value')}); "
            "map a "
            "column with the currency of each line to `currency` and state `currencies`, leave "
            "such lines out with `exclude`, or correct `currency` if all amounts are in one other"
        )
