"""Read `audiences/*.yml`: who is to be contacted, in which order, and how many are held out.

An audience is checked before anything is built, against the contracts of the marts. What is right
becomes SQL of an engine, for the macro `audience_members`.
"""

import json
import math
import re
from pathlib import Path

import yaml

from clientele.campaigns.attributes import attribute_columns
from clientele.campaigns.conditions import Checker, Refused, nearest
from clientele.sources.settings import load_yaml

FOLDER = "audiences"
# What a condition may read: the columns of these marts, under the names they have in the macro; of
# columns of the same name, those of the first.
MARTS = {
    "customers": "dim_customers",
    "rfm": "fct_customer_rfm",
    "features": "fct_customer_features",
    "customer_values": "fct_customer_values",
    "actions": "fct_customer_actions",
    "offers": "fct_product_recommendations",
    "uplifts": "fct_customer_uplift",
    "visits": "fct_customer_visits",
    "reviews": "fct_customer_reviews",
}
# Those that exist only if the source brings what they are about; else their columns are null.
OPTIONAL = ["uplifts", "visits", "reviews"]
# Of these marts, the columns under the names that conditions use: the first of the products to
# offer next, and the best contact. Without randomised campaigns the latter is null.
NAMES = {
    "offers": {
        "product_id": "next_product_id",
        "product_label": "next_product",
        "reason": "next_product_reason",
        "is_repurchase": "next_product_is_repurchase",
    },
    "uplifts": {
        "campaign_id": "best_contact_campaign_id",
        "arm": "best_contact_arm",
        "uplift_verdict": "uplift_verdict",
        "uplift_segment": "uplift_segment",
        "expected_extra_orders": "expected_extra_orders",
        "expected_extra_margin": "expected_extra_margin",
        "expected_contact_profit": "expected_contact_profit",
        "contact_rank": "contact_rank",
    },
}
# Null for all customers of a source that does not say who agreed, and true or false otherwise.
CONSENT = "has_consent"
NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
DEFAULTS = {
    "order_by": "clv desc",
    "holdout": 0.1,
    "rest_days": 7,
    "after": [],
    "needs": [],
    "channel": "email",
    "cap": None,
    "budget": None,
    "cost_per_contact": None,
}
# Tables of a source that an audience may need.
TABLES = ["customers", "events", "reviews"]
KEYS = ["description", "condition", *DEFAULTS]
# Of a hash's first eight digits, of 16 values each.
HASHES = 16**8


def read_as_json(said: str) -> str:
    """Return `read_audiences` as JSON; ``said`` is JSON of its arguments.

    Example::

        read_as_json('{"project": ".", "source": {}, "engine": "duckdb"}')
    """
    asked = json.loads(said)
    return json.dumps(
        read_audiences(Path(asked["project"]), asked["source"], engine=asked["engine"])
    )


def read_audiences(project: Path, source: dict | None = None, *, engine: str = "duckdb") -> dict:
    """Return the audiences of a project, in an order in which those that come first stand first.

    ``source`` is the var `source`: conditions may read the attributes that it declares. An audience
    that needs a table that it does not have is left out.

    Returns:
        A mapping: `problems`, a sentence for each mistake, with its file and how to fix it;
        `columns`, the columns that conditions may read, each with `relation`, `column`, `name` and
        `type`; and `audiences`, empty if there are problems.
    """
    columns = customer_columns(project)
    attributes, refused = attribute_columns(source, {column["name"] for column in columns})
    columns += attributes
    found, problems = {}, []
    tables = (source or {}).get("tables") or {}
    files = sorted(f for f in (project / FOLDER).glob("*") if f.suffix in (".yml", ".yaml"))
    types = {column["name"]: column["type"] for column in columns}
    checker = Checker(types, refused, engine=engine)
    try:
        for file in files:
            said = f"{FOLDER}/{file.name}"
            try:
                audience = _audience(file, checker, tables)
            except (ValueError, yaml.YAMLError, OSError) as error:
                problems += [f"{said}: {line}" for line in str(error).split("\n") if line]
                # So that others may name it.
                found.setdefault(file.stem, None)
                continue
            if file.stem in found:
                problems.append(
                    f"{said}: there is another file of that name; keep one, as {file.stem}.yml"
                )
            found[file.stem] = audience
    finally:
        checker.close()
    absent = {name for name, audience in found.items() if audience == {}}
    names = [name for name, audience in found.items() if audience]
    for name in names:
        found[name]["after"] = [e for e in found[name]["after"] if e not in absent]
        for earlier in found[name]["after"]:
            if earlier not in found:
                problems.append(
                    f"{FOLDER}/{name}.yml: `after` names '{earlier}', which is no audience"
                    f"{nearest(earlier, found)}"
                )
    ordered = _ordered({n: found[n]["after"] if found[n] else [] for n in found}, problems)
    audiences = [] if problems else [found[name] for name in ordered if name not in absent]
    return {"problems": problems, "columns": columns, "audiences": audiences}


def checked(project: Path, source: dict | None = None) -> dict:
    """Return `read_audiences`. Raises ``ValueError`` with every mistake in the files."""
    said = read_audiences(project, source)
    if said["problems"]:
        raise ValueError("audiences cannot be read.\n- " + "\n- ".join(said["problems"]))
    return said


def customer_columns(project: Path) -> list[dict]:
    """Return the columns that conditions may read, from the contracts of the marts.

    Raises:
        ValueError: a mart has no YAML.
    """
    columns, seen = [], set()
    for relation, mart in MARTS.items():
        files = list((project / "models").rglob(f"{mart}.yml"))
        if len(files) != 1:
            raise ValueError(f"{len(files)} files {mart}.yml in {project / 'models'}, not one")
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        model = yaml.load(files[0].read_text(encoding="utf-8"), Loader=loader)["models"][0]
        for column in model["columns"]:
            name = column["name"]
            if relation in NAMES:
                if name not in NAMES[relation]:
                    continue
                name = NAMES[relation][name]
            if name not in seen:
                seen.add(name)
                columns.append(
                    {
                        "relation": relation,
                        "column": column["name"],
                        "name": name,
                        "type": column["data_type"],
                        "description": column.get("description", ""),
                    }
                )
    return columns


def hash_threshold(share: float) -> str:
    """Return the hexadecimal digits below which a share of all hashes begin.

    >>> hash_threshold(0), hash_threshold(0.5), hash_threshold(0.1)
    ('00000000', '80000000', '19999999')
    """
    return f"{int(share * HASHES):08x}"


def _audience(file, checker, tables):
    """Return the audience of a file, empty if a table that it needs is not among ``tables``.

    Its condition is not checked then: it may read what only that table brings.

    Raises:
        ValueError: mistakes, a line for each.
    """
    if file.suffix != ".yml":
        raise ValueError(f"an audience's file ends with .yml; rename it to {file.stem}.yml")
    if not NAME.fullmatch(file.stem):
        raise ValueError(
            f"'{file.stem}' is no name for an audience; use a-z, 0-9 and _, such as win_back.yml"
        )
    said = load_yaml(file.read_text(encoding="utf-8"))
    if not isinstance(said, dict):
        raise ValueError("it must hold `description` and `condition`; docs/audiences.md has more")
    mistakes = [
        f"there is no setting '{key}'{nearest(str(key), KEYS)}" for key in said if key not in KEYS
    ]
    settings = DEFAULTS | {key: value for key, value in said.items() if value is not None}
    mistakes += [
        f"`{key}` is missing; write it as a text"
        if settings.get(key) is None or isinstance(settings[key], str)
        else f"`{key}` is {settings[key]!r}; write it as a text"
        for key in ("description", "condition")
        if not isinstance(settings.get(key), str) or not settings[key].strip()
    ]
    mistakes += _wrong_values(settings)
    sql = {}
    if not mistakes and not all(isinstance(tables.get(table), dict) for table in settings["needs"]):
        return {}
    for key, check in (("condition", checker.condition), ("order_by", checker.order)):
        text = settings.get(key)
        if isinstance(text, str) and text.strip():
            try:
                sql[key] = check(text)
            except Refused as error:
                mistakes.append(f"`{key}`: {error}")
    if mistakes:
        raise ValueError("\n".join(mistakes))
    where = sql["condition"]
    if CONSENT in checker.columns:
        where = f"({where} and coalesce({CONSENT}, true))"
    cap = settings["cap"]
    if settings["budget"] is not None:
        # Rounded first, so that 30 at 0.1 each are 300 contacts.
        cap = math.floor(round(settings["budget"] / settings["cost_per_contact"], 6))
    return {
        "name": file.stem,
        "description": " ".join(settings["description"].split()),
        "condition": " ".join(settings["condition"].split()),
        "order_by": " ".join(settings["order_by"].split()),
        "where": where,
        "met": sql["condition"],
        "order": sql["order_by"],
        "cap": cap,
        "budget": settings["budget"],
        "cost_per_contact": settings["cost_per_contact"],
        "holdout_share": float(settings["holdout"]),
        "holdout_below": hash_threshold(settings["holdout"]),
        "rest_days": settings["rest_days"],
        "after": settings["after"],
        "channel": settings["channel"],
    }


def _wrong_values(settings):
    """Return a sentence for each value that is out of range or of another type."""

    def number(key, least, *, whole=False, most=math.inf, above=False):
        value = settings[key]
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if value is None or (
            is_number
            and least <= value <= most
            and math.isfinite(value)
            and not (whole and value != int(value))
            and not (above and value == least)
        ):
            return []
        limits = f"above {least}" if above else f"at least {least}"
        limits = f"from {least} to {most}" if most < math.inf else limits
        kind = "a whole number" if whole else "a number"
        return [f"`{key}` is {value!r}; it must be {kind} {limits}"]

    wrong = number("holdout", 0, most=0.9) + number("rest_days", 0, whole=True, most=3650)
    wrong += number("cap", 1, whole=True) + number("budget", 0, above=True)
    wrong += number("cost_per_contact", 0, above=True)
    if settings["budget"] is not None and settings["cost_per_contact"] is None:
        wrong.append("`budget` needs `cost_per_contact`, in the source's currency")
    if settings["budget"] is not None and settings["cap"] is not None:
        wrong.append("`cap` and `budget` both limit the contacts; keep one")
    after, order, channel = settings["after"], settings["order_by"], settings["channel"]
    if not isinstance(after, list) or not all(isinstance(name, str) for name in after):
        wrong.append("`after` must be a list of audiences, such as [win_back]")
        settings["after"] = []
    needs = settings["needs"]
    if not isinstance(needs, list) or any(table not in TABLES for table in needs):
        wrong.append(f"`needs` must be a list of {', '.join(TABLES)}, tables of the source")
    if not isinstance(order, str) or not order.strip():
        wrong.append("`order_by` must be a text, such as `clv desc`")
    if not isinstance(channel, str) or not channel.strip() or not channel.isprintable():
        wrong.append("`channel` must be a text, such as email")
    return wrong


def _ordered(after, problems):
    """Return the names with those before that come first; add a problem for a cycle."""
    ordered, left = [], dict(sorted(after.items()))
    while left:
        free = [name for name, earlier in left.items() if not set(earlier) & left.keys()]
        if not free:
            name, path = next(iter(left)), []
            while name not in path:
                path.append(name)
                name = next(earlier for earlier in left[name] if earlier in left)
            cycle = path[path.index(name) :] + [name]
            problems.append(
                f"{FOLDER}/{name}.yml: `after` goes in a cycle, {' after '.join(cycle)}; "
                "take one of them out"
            )
            return ordered
        ordered += free
        left = {name: earlier for name, earlier in left.items() if name not in free}
    return ordered
