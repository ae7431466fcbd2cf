"""The marts equal docs/contracts.csv, and every change of them is recorded there."""

import pytest
from contracts import offences, read_ledger, state_of, updated

FIRST = """
## 0.1.0
- Marts `dim_shops` and `fct_sales`.
"""
OPEN = "## Unreleased (0.2.0)\n{}\n" + FIRST
BASE = [
    ("dim_shops", "shop_id", "string"),
    ("dim_shops", "city", "string"),
    ("fct_sales", "amount", "double"),
]
LEDGER = updated([], BASE, "0.1.0", FIRST)
NEW = ("dim_shops", "country", "string")
RETYPED = ("fct_sales", "amount", "decimal(18, 4)")


def test_the_marts_are_what_the_ledger_says(manifest):
    ledger, state = read_ledger(), state_of(manifest)
    assert offences(ledger, *state) == []
    assert updated(ledger, *state) == ledger, "make contracts"


def test_what_stands_is_no_offence():
    assert offences(LEDGER, BASE, "0.1.0", FIRST) == []
    assert offences(LEDGER, BASE, "0.2.0", OPEN.format("")) == []


@pytest.mark.parametrize(
    ("now", "offence"),
    [
        ([*BASE, NEW], ["dim_shops.country string is not in the ledger: make contracts"]),
        (BASE[1:], ["dim_shops.shop_id string is no more: make contracts"]),
        (
            [*BASE[:2], RETYPED],
            [
                "fct_sales.amount decimal(18, 4) is not in the ledger: make contracts",
                "fct_sales.amount double is no more: make contracts",
            ],
        ),
    ],
    ids=["added", "removed", "retyped"],
)
def test_a_change_of_the_marts_has_to_be_in_the_ledger(now, offence):
    assert offences(LEDGER, now, "0.2.0", OPEN.format("")) == offence


@pytest.mark.parametrize(
    ("now", "line", "lacking"),
    [
        ([*BASE, NEW], "", "country, dim_shops"),
        ([*BASE, NEW], "- `dim_shops` has a country.", "country"),
        ([*BASE, NEW], "- `dim_shops` has `country`.", None),
        (BASE[:1] + BASE[2:], "- `dim_shops` is smaller.", "city"),
        (BASE[:1] + BASE[2:], "- `dim_shops.city` is gone.", None),
        ([*BASE[:2], RETYPED], "", "amount, fct_sales"),
        ([*BASE[:2], RETYPED], "- `fct_sales`: `amount` is a decimal.", None),
        ([*BASE, ("dim_tills", "till_id", "string")], "", "dim_tills"),
        ([*BASE, ("dim_tills", "till_id", "string")], "- New mart: `dim_tills`.", None),
    ],
)
def test_a_change_of_the_ledger_has_to_be_in_the_changelog(now, line, lacking):
    changelog = OPEN.format(line)
    ledger = updated(LEDGER, now, "0.2.0", changelog)
    found = offences(ledger, now, "0.2.0", changelog)
    assert found == ([f"CHANGELOG.md, 0.2.0, does not name {lacking}"] if lacking else [])


@pytest.mark.parametrize("now", [BASE[1:], [*BASE[:2], RETYPED]], ids=["removed", "retyped"])
@pytest.mark.parametrize(
    ("before", "version", "is_allowed"),
    [("0.1.0", "0.1.1", False), ("0.1.0", "0.2.0", True), ("0.1.0", "1.0.0", True)]
    + [("1.1.0", "1.2.0", False), ("1.1.0", "2.0.0", True)],
)
def test_what_was_released_goes_with_a_breaking_version_only(now, before, version, is_allowed):
    changelog = (
        f"## Unreleased ({version})\n- `dim_shops`, `shop_id`, `fct_sales`, `amount`.\n"
        + FIRST.replace("0.1.0", before)
    )
    ledger = updated(updated([], BASE, before, FIRST), now, version, changelog)
    found = offences(ledger, now, version, changelog)
    assert (found == []) is is_allowed
    assert is_allowed or f"is in {before}: it may go with the next m" in found[0]


@pytest.mark.parametrize("now", [BASE[1:], [*BASE[:2], RETYPED]], ids=["removed", "retyped"])
@pytest.mark.parametrize(
    ("since", "released", "version", "is_allowed"),
    [
        ("0.1.0", ["0.2.0"], "0.2.1", False),
        ("0.1.0", ["0.2.0"], "0.3.0", True),
        ("0.9.0", ["0.10.0"], "0.10.1", False),
        ("0.1.0", ["0.2.0", "1.0.0"], "1.1.0", False),
        ("1.0.0", ["2.2.0"], "2.3.0", False),
        ("1.0.0", ["2.2.0"], "3.0.0", True),
    ],
)
def test_what_may_break_is_told_by_the_last_release(now, since, released, version, is_allowed):
    named = "- `dim_shops`, `shop_id`, `fct_sales`, `amount`."
    sections = [f"## {v}\n{named}\n" for v in [*reversed(released), since]]
    changelog = "".join([f"## Unreleased ({version})\n{named}\n", *sections])
    ledger = updated(updated([], BASE, since, FIRST), now, version, changelog)
    found = offences(ledger, now, version, changelog)
    assert (found == []) is is_allowed
    assert is_allowed or f"is in {released[-1]}: it may go with the next m" in found[0]


def test_what_went_with_an_earlier_version_is_judged_by_the_releases_before_it():
    changelog = "".join(
        f"## {v}\n- `dim_shops`, `shop_id`, `fct_sales`.\n" for v in ["0.2.1", "0.2.0", "0.1.0"]
    )
    ledger = updated(LEDGER, BASE[1:], "0.2.0", changelog)
    assert offences(ledger, BASE[1:], "0.2.1", changelog) == []


def test_an_older_version_of_a_mart_may_stay_instead():
    now = [*BASE, ("fct_sales_v2", "amount", "decimal(18, 4)")]
    changelog = OPEN.replace("0.2.0", "0.1.1").format("- `fct_sales_v2`: decimals.")
    ledger = updated(LEDGER, now, "0.1.1", changelog)
    assert offences(ledger, now, "0.1.1", changelog) == []


def test_what_was_never_released_leaves_no_trace():
    ledger = updated(LEDGER, BASE[1:], "0.1.0", "## Unreleased (0.1.0)\n`dim_shops`, `fct_sales`")
    assert [row["column"] for row in ledger] == ["city", "amount"]


def test_a_version_needs_its_section():
    assert offences(LEDGER, BASE, "0.3.0", FIRST) == ["CHANGELOG.md has no section for 0.3.0"]
