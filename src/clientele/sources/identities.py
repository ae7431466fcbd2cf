"""Check what a source says about matching its customers."""

import re

from clientele.sources.columns import IDENTIFIED, IDENTIFIERS
from clientele.sources.common import hint

SETTINGS = ["plus_addressing", "phone_prefix", "ignore"]
EXAMPLE = "such as {email: <your column>, phone: <your column>}"


def identifier_problems(name: str, table: dict) -> list[str]:
    """Return the mistakes of a table's `identities`.

    Each is the rest of a sentence that begins with the name of the table.
    """
    if "identities" not in table:
        return []
    if name not in IDENTIFIED:
        return [f": `identities` belong to the tables {' and '.join(IDENTIFIED)}."]
    declared = table["identities"]
    if not isinstance(declared, dict) or not declared:
        return [f": `identities` must be pairs of a kind and your column, {EXAMPLE}."]
    problems = [
        f": `identities: {kind}` is unknown{hint(str(kind), IDENTIFIERS)}; those are "
        f"{', '.join(IDENTIFIERS)}."
        for kind in declared
        if kind not in IDENTIFIERS
    ]
    for kind, mapped in declared.items():
        value = mapped
        if isinstance(mapped, dict) and list(mapped) == ["expression"]:
            value = mapped["expression"]
        if not isinstance(value, str) or not value.strip():
            problems.append(
                f": `identities: {kind}` must be a column name or "
                '{expression: "<SQL over your columns>"}.'
            )
    return problems


def matching_problems(source: dict) -> list[str]:
    """Return the mistakes of a source's `identities`, and of what its tables declare together."""
    tables = source["tables"]
    declared = set()
    for name in IDENTIFIED:
        found = (tables.get(name) or {}) if isinstance(tables.get(name), dict) else {}
        if isinstance(found.get("identities"), dict):
            declared |= set(found["identities"])
    problems = []
    for one, other in (("name", "postcode"), ("postcode", "name")):
        if one in declared and other not in declared and not declared & {"phone", "device"}:
            problems.append(
                f"`identities: {one}` matches only together with a {other}; add `{other}` too."
            )
    if declared and declared <= {"name"}:
        problems.append("`identities` need a key besides the name, such as email or phone.")
    said = source.get("identities")
    if said is None:
        return problems
    if not isinstance(said, dict):
        return [*problems, f"`identities` of a source holds {', '.join(SETTINGS)}; the columns to "
                "match by stand under `identities` of `order_lines` and `customers`."]  # fmt: skip
    problems += [
        f"`identities: {key}` is not a setting of a source{hint(str(key), SETTINGS)}; those are "
        f"{', '.join(SETTINGS)}, and the columns to match by stand under `identities` of a table."
        for key in said
        if key not in SETTINGS
    ]
    if not declared:
        problems.append(
            "`identities` of the source does nothing: no table says what to match by; add "
            f"`identities` to `order_lines` or `customers`, {EXAMPLE}."
        )
    plus = said.get("plus_addressing", False)
    if not isinstance(plus, bool) and not (
        isinstance(plus, list) and plus and all(isinstance(domain, str) for domain in plus)
    ):
        problems.append(
            "`identities: plus_addressing` is true, false or a list of domains: [gmail.com]."
        )
    prefix = said.get("phone_prefix")
    if prefix is not None and not re.fullmatch(r"\+?[1-9][0-9]{0,2}", str(prefix)):
        problems.append(f'`identities: phone_prefix: {prefix}` is no country\'s; write "+44".')
    ignore = said.get("ignore") or []
    if not isinstance(ignore, list) or not all(isinstance(v, str | int) for v in ignore):
        problems.append("`identities: ignore` must list values, such as [orders@your.shop].")
    return problems
