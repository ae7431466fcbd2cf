"""Who is in an audience and in which arm, on published marts and in the build."""

import duckdb
import pytest
import yaml
from audience_projects import write_audience, write_project
from conftest import PROJECT
from scipy import stats

from clientele.campaigns.members import columns_of, open_audiences


@pytest.fixture(autouse=True)
def default_folders(monkeypatch):
    for name in ("CLIENTELE_PUBLISH_DIR", "CLIENTELE_CAMPAIGNS_DIR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def project(tmp_path):
    return write_project(tmp_path / "project")


def members(project, where="true"):
    with open_audiences(project) as found:
        return found.rows(
            f"select audience, customer_id, arm, rank from members where {where} order by all"
        )


def arms(project, name):
    return {c: arm for _, c, arm, _ in members(project, f"audience = '{name}'")}


def set_vars(project, **settings):
    said = yaml.safe_load((project / "dbt_project.yml").read_text())
    said["vars"] |= settings
    (project / "dbt_project.yml").write_text(yaml.safe_dump(said))


def test_a_customer_keeps_the_arm_whoever_joins_or_leaves(project, tmp_path):
    write_audience(project, "some", holdout=0.3)
    all_of_them = arms(project, "some")
    write_audience(project, "some", holdout=0.3, condition="order_count > 700 or order_count < 9")
    fewer = arms(project, "some")
    assert 300 < len(fewer) < 320 and fewer.items() <= all_of_them.items()
    more = write_project(tmp_path / "more", customers=3000)
    write_audience(more, "some", holdout=0.3)
    assert all_of_them.items() <= arms(more, "some").items()


def test_a_larger_holdout_moves_customers_one_way_only(project):
    write_audience(project, "some", holdout=0.1)
    before = {c for c, arm in arms(project, "some").items() if arm == "control"}
    write_audience(project, "some", holdout=0.2)
    after = {c for c, arm in arms(project, "some").items() if arm == "control"}
    assert before < after


def test_each_segment_has_the_share_and_arms_of_audiences_are_independent(tmp_path):
    project = write_project(tmp_path / "many", customers=40_000)
    write_audience(project, "one", holdout=0.2)
    write_audience(project, "two", holdout=0.2)
    with open_audiences(project) as found:
        segments = found.rows(
            "select segment_name, count(*), count(*) filter (arm = 'control') from members "
            "where audience = 'one' group by all"
        )
        both = found.rows(
            "select count(*), count(*) filter (a.arm = 'control' and b.arm = 'control') "
            "from members as a join members as b using (customer_id) "
            "where a.audience = 'one' and b.audience = 'two'"
        )[0]
    assert len(segments) == 2
    for _, total, control in segments:
        assert stats.binomtest(control, total, 0.2).pvalue > 0.001
    assert stats.binomtest(both[1], both[0], 0.04).pvalue > 0.001


def test_another_salt_draws_the_arms_anew(project):
    write_audience(project, "some", holdout=0.5)
    before = arms(project, "some")
    set_vars(project, audiences_salt="other")
    after = arms(project, "some")
    assert 400 < sum(before[c] != after[c] for c in before) < 600


def test_no_audience_contacts_the_global_holdout(project):
    write_audience(project, "one", holdout=0.1)
    write_audience(project, "two", holdout=0)
    before = arms(project, "one")
    set_vars(project, audiences_global_holdout_share=0.2)
    one, two = arms(project, "one"), arms(project, "two")
    held_out = {c for c, arm in one.items() if arm == "global_holdout"}
    assert held_out == {c for c, arm in two.items() if arm == "global_holdout"}
    assert stats.binomtest(len(held_out), 1000, 0.2).pvalue > 0.001
    # All others stay where they were.
    assert {c: a for c, a in one.items() if c not in held_out} == {
        c: a for c, a in before.items() if c not in held_out
    }


def test_a_cap_counts_contacts_of_the_best(project):
    write_audience(project, "some", holdout=0.5, cap=100, order_by="clv desc")
    found = members(project, "audience = 'some'")
    assert sum(arm == "treated" for _, _, arm, _ in found) == 100
    # The first ones by value, in either arm, and no one after the last contact.
    assert sorted(int(c[1:]) for _, c, _, _ in found) == list(range(1000 - len(found), 1000))
    assert max(found, key=lambda row: row[3])[2] == "treated"


def test_the_global_holdout_does_not_use_up_a_cap(project):
    set_vars(project, audiences_global_holdout_share=0.5)
    write_audience(project, "some", holdout=0, cap=100)
    found = [arm for _, _, arm, _ in members(project, "audience = 'some'")]
    assert found.count("treated") == 100 and found.count("global_holdout") > 50


def test_who_is_in_an_audience_that_comes_first_is_not_in_the_next(project):
    write_audience(project, "a_last", after=["first"], condition="order_count > 100")
    write_audience(project, "first", condition="order_count > 500", cap=200, holdout=0.5)
    first, last = arms(project, "first"), arms(project, "a_last")
    assert "control" in first.values() and not first.keys() & last.keys()
    # Whom the cap of the first one leaves out is free.
    assert len(first) + len(last) == 899 and "c501" in last


def assignments(project, source, rows):
    folder = project / "campaigns" / source
    folder.mkdir(parents=True, exist_ok=True)
    values = ", ".join(f"('{c}', '{arm}', timestamp '{day}')" for c, arm, day in rows)
    duckdb.execute(
        f"copy (select * from (values {values}) as t(customer_id, arm, assigned_at)) "
        f"to '{folder / 'x.parquet'}' (format parquet)"
    )


def test_customers_rest_in_either_arm_from_the_day_they_were_assigned(project):
    rows = [
        ("c1", "treated", "2024-12-02 00:00:00"),
        ("c2", "control", "2024-12-02 23:59:59"),
        ("c3", "treated", "2024-12-01 23:59:59"),
        ("c4", "treated", "2025-01-02 00:00:00"),
        ("c4", "treated", "2024-11-01 00:00:00"),
        ("c5", "control", "2025-01-01 00:00:00"),
    ]
    assignments(project, "shop", rows)
    write_audience(project, "some", rest_days=30)
    write_audience(project, "restless", rest_days=0)
    # An export as of this day begins the next one; what comes later is not known yet.
    assert {"c1", "c2", "c3", "c4", "c5"} - arms(project, "some").keys() == {"c1", "c2", "c5"}
    assert len(arms(project, "restless")) == 1000


def test_the_campaigns_of_another_source_do_not_count(project):
    assignments(project, "other", [("c1", "treated", "2024-12-30 00:00:00")])
    write_audience(project, "some", rest_days=30)
    assert "c1" in arms(project, "some")


def test_the_build_and_the_command_line_find_the_same_customers(published_sample, monkeypatch):
    monkeypatch.setenv("CLIENTELE_PUBLISH_DIR", str(published_sample.folder / "published"))
    monkeypatch.setenv("CLIENTELE_CAMPAIGNS_DIR", str(published_sample.folder / "none"))
    with open_audiences(PROJECT) as found:
        total, treated = found.rows(
            "select count(*), count(*) filter (arm = 'treated') from members"
        )[0]
        differing = found.rows(
            """
            select count(*) from (
                (from members except all from published.marts.fct_audience_members)
                union all
                (from published.marts.fct_audience_members except all from members)
            )
            """
        )
        sizes = found.rows(
            "select audience, is_empty, treated_count, contact_cap from "
            "published.marts.dim_audiences"
        )
    assert differing == [(0,)]
    assert total > 500 and 0.7 < treated / total < 0.95
    assert len(sizes) == 6 and not any(is_empty for _, is_empty, _, _ in sizes)


def test_a_retention_list_ranks_by_what_the_best_contact_brings(project):
    """Of a customer's contacts only the best counts; without experiments no one is on the list."""
    said = {
        "condition": "uplift_verdict = 'customers differ' and expected_contact_profit > 0",
        "order_by": "expected_contact_profit desc",
        "holdout": 0,
    }
    write_audience(project, "worth_it", **said)
    database = str(project / "published/current/clientele.duckdb")
    with duckdb.connect(database) as connection:
        connection.execute(
            "insert into marts.fct_customer_uplift by name select 'c' || n as customer_id, "
            "'customers differ' as uplift_verdict, is_best as is_best_contact, "
            "case when is_best then 3 - n else 100 end as expected_contact_profit "
            "from range(10) as t(n), (values (true), (false)) as b(is_best)"
        )
    ranked = [(customer, rank) for _, customer, _, rank in members(project)]
    assert ranked == [("c0", 1), ("c1", 2), ("c2", 3)]
    with duckdb.connect(database) as connection:
        connection.execute("drop table marts.fct_customer_uplift")
    assert members(project) == []
    write_audience(project, "worth_it", **said | {"condition": "contact_rank is null"})
    assert len(members(project)) == 1000


def test_an_audience_takes_customers_by_attributes_of_the_published_source(project):
    """Another source's YAML declares nothing here; an unknown value meets no condition."""
    attributes = {
        "plan": {"column": "plan", "kind": "category"},
        "is_club": {"column": "club", "kind": "yes_no"},
    }
    source = {"name": "shop", "tables": {"customers": {"attributes": attributes}}}
    (project / "sources").mkdir()
    (project / "sources/shop.yml").write_text(yaml.safe_dump({"source": source}))
    write_audience(project, "club", condition="plan = 'plus' and is_club", holdout=0)
    assert members(project) == []  # A publication from before there were attributes.
    database = str(project / "published/current/clientele.duckdb")
    with duckdb.connect(database) as connection:
        connection.execute(
            "create table marts.dim_customer_attributes as "
            "select 'c' || n as customer_id, 'plan' as attribute, null::double as number_value, "
            "null::date as date_value, if(n % 2 = 0, 'plus', null) as text_value from range(20) "
            "as t(n) union all select 'c' || n, 'is_club', null, null, "
            "if(n % 3 = 0, 'yes', 'no') from range(20) as t(n)"
        )
    assert {row[1] for row in members(project)} == {f"c{n}" for n in (0, 6, 12, 18)}
    assert {"plan", "is_club"} <= {column["name"] for column in columns_of(project)}
    (project / "sources/shop.yml").unlink()
    with pytest.raises(ValueError, match="no column 'plan'"):
        members(project)
