"""The ledger of what the marts have promised, `docs/contracts.csv`, and what it has to agree with.

A row is a column with its type, the project's version since which it stands, and the one in which
it went. `make contracts` brings the rows to what the marts are; the rule is in CONTRIBUTING.md.
"""

import csv
import json
import re
import sys
import tempfile
from pathlib import Path

import yaml
from dbt.cli.main import dbtRunner

PROJECT = Path(__file__).parents[2]
LEDGER = PROJECT / "docs/contracts.csv"
FIELDS = ["mart", "column", "data_type", "since", "until"]


def parse(folder):
    """Return dbt's manifest of the project as a dictionary; `folder` is for what dbt writes."""
    parsed = dbtRunner().invoke(
        ["parse", "--quiet", "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
        + ["--target-path", str(folder)]
    )
    assert parsed.success, parsed.exception
    return json.loads((Path(folder) / "manifest.json").read_text())


def read_ledger():
    with LEDGER.open() as file:
        return list(csv.DictReader(file))


def columns_of(manifest):
    """Return (mart, column, type) of each column; a version of a mart is a mart, by its table."""
    return [
        (model["alias"], column["name"], column["data_type"])
        for model in sorted(manifest["nodes"].values(), key=lambda node: node["alias"])
        if model["resource_type"] == "model" and model["access"] == "public"
        for column in model["columns"].values()
    ]


def versions_of(changelog):
    """Return the CHANGELOG's sections by version, and the versions that are not released yet."""
    headings = re.findall(r"^## (.*?(\d+\.\d+\.\d+).*)$", changelog, re.M)
    texts = re.split(r"^## .*$", changelog, flags=re.M)[1:]
    sections = {version: text for (_, version), text in zip(headings, texts, strict=True)}
    return sections, {version for heading, version in headings if "Unreleased" in heading}


def numbers(version):
    """Return a version as what it is ordered by: 0.10.0 is later than 0.9.0."""
    return tuple(map(int, version.split(".")))


def breaking(version):
    """Return what rises when a version may take something away: before 1.0 the minor number."""
    major, minor, _ = numbers(version)
    return (major, 0 if major else minor)


def last_release(row, releases):
    """Return the last version that had a column which is gone: the one released before `until`."""
    before = [v for v in releases if numbers(v) < numbers(row["until"])]
    return max([row["since"], *before], key=numbers)


def updated(ledger, now, version, changelog):
    """Return the ledger as it has to be where the marts have the columns `now` in that version."""
    _, unreleased = versions_of(changelog)
    rows = []
    for row in ledger:
        stands = (row["mart"], row["column"], row["data_type"]) in now
        if row["until"] or stands:
            rows.append(row)
        elif row["since"] not in unreleased:
            rows.append(row | {"until": version})
    known = {(r["mart"], r["column"], r["data_type"]) for r in rows if not r["until"]}
    rows += [
        dict(zip(FIELDS, (*column, version, ""), strict=True))
        for column in now
        if column not in known
    ]
    place = {column[:2]: number for number, column in enumerate(now)}
    return sorted(
        rows, key=lambda r: (r["mart"], place.get((r["mart"], r["column"]), len(now)), r["since"])
    )


def offences(ledger, now, version, changelog):
    """Return what is wrong with the ledger, and what the CHANGELOG or the version lack."""
    sections, unreleased = versions_of(changelog)
    found = []
    standing = [(r["mart"], r["column"], r["data_type"]) for r in ledger if not r["until"]]
    for column in now:
        if column not in standing:
            found.append(f"{'.'.join(column[:2])} {column[2]} is not in the ledger: make contracts")
    for column in standing:
        if column not in now or standing.count(column) > 1:
            found.append(f"{'.'.join(column[:2])} {column[2]} is no more: make contracts")
    if version not in sections:
        found.append(f"CHANGELOG.md has no section for {version}")
    began = {}
    for row in ledger:
        since = numbers(row["since"])
        began[row["mart"]] = min(since, began.get(row["mart"], since))
    for row in ledger:
        name = f"{row['mart']}.{row['column']}"
        last = row["until"] and last_release(row, sections.keys() - unreleased)
        if last and breaking(row["until"]) <= breaking(last):
            step = "major" if breaking(last)[0] else "minor"
            found.append(
                f"{name} {row['data_type']} is in {last}: it may go with the next {step} version, "
                f"not in {row['until']}, or stay in an older version of the mart"
            )
        for key in filter(None, (row["since"], row["until"])):
            named = re.findall(r"`([^`]+)`", sections.get(key, ""))
            words = set(re.findall(r"\w+", " ".join(named)))
            is_new = numbers(key) == began[row["mart"]]
            lacks = {row["mart"]} - words if is_new else {row["mart"], row["column"]} - words
            if lacks:
                found.append(f"CHANGELOG.md, {key}, does not name {', '.join(sorted(lacks))}")
    return sorted(set(found))


def state_of(manifest):
    """Return what the ledger is held to: the marts' columns, the version and the CHANGELOG."""
    version = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["version"]
    return columns_of(manifest), version, (PROJECT / "CHANGELOG.md").read_text()


def main():
    """Write the ledger again, and print what else there is to do."""
    with tempfile.TemporaryDirectory() as folder:
        state = state_of(parse(folder))
    ledger = updated(read_ledger(), *state)
    with LEDGER.open("w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(ledger)
    found = offences(ledger, *state)
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
