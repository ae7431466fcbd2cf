"""What the summary of a build says about the last campaigns."""

import duckdb
import pandas as pd

from clientele.summary import CAMPAIGN_RESULTS, _campaigns
from clientele.warehouse import Warehouse

COLUMNS = ["campaign_id", "segment", "arm", "metric", "first_assigned_date", "verdict"]
REASON = "It brought +0.100 orders per customer."


def lines(*rows):
    """Return the lines about results; a row is one of `COLUMNS`, and perhaps the reason."""
    rows = [[*row, REASON][: len(COLUMNS) + 1] for row in rows]
    results = pd.DataFrame(rows, columns=[*COLUMNS, "verdict_reason"])
    with duckdb.connect() as connection:
        connection.register("results", results)
        connection.execute(
            f"create schema marts; create table marts.{CAMPAIGN_RESULTS} as from results"
        )
        return _campaigns(lambda sql: connection.execute(sql).fetchall())


def both(campaign, arm, day, margin, orders, *reason):
    """Return the rows of an arm, of the whole and of a segment, which is not to be shown."""
    return [
        (campaign, segment, arm, metric, day, verdict if segment == "all" else segment, *reason)
        for segment in ("all", "gold")
        for metric, verdict in (("margin", margin), ("orders", orders), ("conversion", "worked"))
    ]


def test_the_last_two_campaigns_are_told_verdict_first():
    told = lines(
        *both("may", "treated", "2025-05-01", "worked", "worked"),
        *both("june", "treated", "2025-06-01", "did not", "worked"),
        *both("july", "email", "2025-07-01", "worked", "worked"),
        *both("july", "post", "2025-07-01", "cannot tell", "did not"),
    )
    assert told == [
        "",
        "Last campaigns",
        f"  worked: july, email, from 2025-07-01. {REASON}",
        f"  did not for orders: july, post, from 2025-07-01. {REASON} Margin: cannot tell.",
        f"  did not: june, from 2025-06-01. {REASON}",
    ]


def test_what_is_no_fair_test_has_no_figures():
    reason = "Arms were not drawn by chance. Against customers with similar purchases, +3 orders."
    unfair = "not a fair test"
    told = lines(*both("vip", "treated", "2025-05-01", unfair, unfair, reason))
    assert told[2:] == [f"  {unfair}: vip, from 2025-05-01. Arms were not drawn by chance."]
    reason = "The arms are not split as chance would split them (p = 1e-05): some are missing."
    told = lines(*both("may", "treated", "2025-05-01", unfair, unfair, reason))
    assert told[2:] == [f"  {unfair}: may, from 2025-05-01. {reason}"]


def test_without_results_nothing_is_said():
    assert lines() == []


def test_a_build_tells_the_last_campaigns_of_its_source(sample, complete_journey):
    printed = sample.output.splitlines()
    first = printed.index("Last campaigns") + 1
    assert printed[first].startswith("  cannot tell: holiday-2025, from 2025-12-15. The window is")
    assert printed[first + 1].split(":")[1].startswith(" second-order-2025, from 2025-10-06. ")
    assert printed[first + 2] == ""
    assert "\n  not a fair test: 23, from 2017-12-28. Arms were" in complete_journey.output


def test_marts_are_found_on_either_engine():
    for rows in ([("a",), ("b",)], [("marts", "a", False), ("marts", "b", False)]):
        built = Warehouse(query=lambda sql, rows=rows: rows, place="")
        assert {"a", "b"} <= built.marts() and CAMPAIGN_RESULTS not in built.marts()
