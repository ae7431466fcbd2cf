"""Conditions of audiences on visits, where there are events and where there are none."""

import duckdb
import pytest
from campaigns.audience_projects import write_audience, write_project

from clientele.campaigns.members import open_audiences

LOOKED_TWICE = "looked_twice_count > 0 and recent_cart_left_count > 0"


@pytest.fixture
def project(tmp_path):
    """A project of 100 customers with an audience of those who looked twice and did not buy."""
    made = write_project(tmp_path / "project", customers=100)
    write_audience(made, "looked_twice", condition=LOOKED_TWICE, holdout=0)
    return made


def members(project):
    with open_audiences(project) as found:
        return {row[0] for row in found.rows("select customer_id from members")}


def warehouse(project):
    return duckdb.connect(str(project / "published/current/clientele.duckdb"))


def test_an_audience_takes_who_looked_twice_and_did_not_buy(project):
    with warehouse(project) as connection:
        connection.execute(
            "insert into marts.fct_customer_visits by name select 'c' || n as customer_id, "
            "n % 3 as looked_twice_count, n % 2 as recent_cart_left_count from range(120) as t(n)"
        )
    # Those from 100 on have never bought: they are in no audience.
    assert members(project) == {f"c{n}" for n in range(100) if n % 3 and n % 2}


def test_without_events_no_one_has_looked(project):
    with warehouse(project) as connection:
        connection.execute("drop table marts.fct_customer_visits")
    assert members(project) == set()
