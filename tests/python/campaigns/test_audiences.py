"""Files of audiences: what is right becomes SQL, and each mistake is told with its remedy."""

import shutil
import time

import pytest
import yaml
from conftest import PROJECT

from clientele.campaigns.audiences import MARTS, hash_threshold, read_audiences
from clientele.sources import load_source

GOOD = {"description": "Some", "condition": "order_count > 1"}


@pytest.fixture
def project(tmp_path):
    """A project with the contracts of the marts that conditions read, and no audience."""
    for mart in MARTS.values():
        source = next((PROJECT / "models").rglob(f"{mart}.yml"))
        target = tmp_path / source.relative_to(PROJECT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
    (tmp_path / "audiences").mkdir()
    return tmp_path


def write(project, name, said, suffix=".yml"):
    text = said if isinstance(said, str) else yaml.safe_dump(GOOD | said)
    (project / "audiences" / f"{name}{suffix}").write_text(text)


def names(said):
    return [audience["name"] for audience in said["audiences"]]


def test_the_audiences_that_ship_are_right_on_both_engines_and_read_in_time():
    started = time.process_time()
    source = load_source("sample", PROJECT / "sources")["source"]
    for engine in ("duckdb", "spark"):
        said = read_audiences(PROJECT, source, engine=engine)
        assert said["problems"] == []
        assert set(names(said)) == {file.stem for file in (PROJECT / "audiences").glob("*.yml")}
    assert time.process_time() - started < 3
    assert len(said["audiences"]) == 6
    assert all(len(audience["description"]) > 40 for audience in said["audiences"])


def test_a_project_without_audiences_has_none(project):
    assert read_audiences(project)["audiences"] == []
    (project / "audiences").rmdir()
    assert read_audiences(project)["problems"] == []


def test_what_a_file_does_not_say_has_a_default(project):
    write(project, "some", {})
    (audience,) = read_audiences(project)["audiences"]
    assert audience == {
        "name": "some",
        "description": "Some",
        "condition": "order_count > 1",
        "order_by": "clv desc",
        "where": "((order_count > 1) and coalesce(has_consent, true))",
        "met": "(order_count > 1)",
        "order": "clv desc nulls last",
        "cap": None,
        "budget": None,
        "cost_per_contact": None,
        "holdout_share": 0.1,
        "holdout_below": "19999999",
        "rest_days": 7,
        "after": [],
        "channel": "email",
    }


@pytest.mark.parametrize(("budget", "cost", "cap"), [(30, 0.1, 300), (10, 3, 3), (1, 3, 0)])
def test_a_budget_is_a_cap(project, budget, cost, cap):
    write(project, "some", {"budget": budget, "cost_per_contact": cost})
    assert read_audiences(project)["audiences"][0]["cap"] == cap


def test_those_that_come_first_stand_first(project):
    write(project, "a", {"after": ["c", "b"]})
    write(project, "b", {"after": ["c"]})
    write(project, "c", {})
    assert names(read_audiences(project)) == ["c", "b", "a"]


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"holduot": 0.1}, "there is no setting 'holduot'; did you mean holdout?"),
        ({"condition": None}, "`condition` is missing"),
        ({"condition": True}, "`condition` is True; write it as a text"),
        ({"condition": "order_count > 5) or (1 = 1"}, "`condition`: it does not read as SQL"),
        (
            {"order_by": "clv; drop table x"},
            "`order_by`: it does not read as SQL: several statements",
        ),
        ({"description": " "}, "`description` is missing"),
        (
            {"condition": "order_cuont > 1"},
            "`condition`: there is no column 'order_cuont'",
        ),
        ({"order_by": "clb desc"}, "`order_by`: there is no column 'clb'; did you mean clv"),
        ({"condition": "(select true)"}, "`condition`: a subquery is not allowed"),
        ({"holdout": 0.95}, "`holdout` is 0.95; it must be a number from 0 to 0.9"),
        ({"holdout": -0.1}, "`holdout` is -0.1; it must be"),
        ({"holdout": "10%"}, "`holdout` is '10%'; it must be"),
        ({"holdout": True}, "`holdout` is True; it must be"),
        ({"holdout": float("nan")}, "`holdout` is nan; it must be"),
        ({"rest_days": 1.5}, "`rest_days` is 1.5; it must be a whole number"),
        ({"cap": 0}, "`cap` is 0; it must be a whole number at least 1"),
        ({"budget": 5}, "`budget` needs `cost_per_contact`"),
        ({"budget": 5, "cost_per_contact": 1, "cap": 3}, "both limit the contacts; keep one"),
        ({"cost_per_contact": 0}, "`cost_per_contact` is 0; it must be a number above 0"),
        ({"after": "other"}, "`after` must be a list"),
        ({"after": ["othr"]}, "`after` names 'othr', which is no audience; did you mean other?"),
        ({"after": ["some"]}, "`after` goes in a cycle, some after some"),
        ({"channel": ""}, "`channel` must be a text"),
        ("- a\n- b\n", "must hold `description` and `condition`"),
        ("condition: [", "no valid YAML"),
        ("condition: a\ncondition: b\n", "'condition' is given twice"),
    ],
)
def test_a_mistake_names_its_file_and_the_remedy(project, said, message):
    write(project, "some", said)
    write(project, "other", {})
    found = read_audiences(project)
    assert len(found["problems"]) == 1 and found["audiences"] == []
    assert found["problems"][0].startswith("audiences/some.yml: ")
    assert message in found["problems"][0]


def test_every_mistake_is_told_at_once(project):
    write(project, "one", {"holdout": 2, "condition": "x > 1"})
    write(project, "two", {"cap": -1})
    assert len(read_audiences(project)["problems"]) == 3


def test_a_cycle_is_told_once_with_its_way(project):
    write(project, "a", {"after": ["b"]})
    write(project, "b", {"after": ["c"]})
    write(project, "c", {"after": ["b"]})
    (problem,) = read_audiences(project)["problems"]
    assert "b after c after b" in problem or "c after b after c" in problem


@pytest.mark.parametrize(
    ("name", "suffix", "message"),
    [
        ("Win back", ".yml", "'Win back' is no name for an audience"),
        ("a'b", ".yml", "is no name for an audience"),
        ("more", ".yaml", "rename it to more.yml"),
    ],
)
def test_a_name_is_a_plain_one_and_there_is_one_file_of_it(project, name, suffix, message):
    write(project, "other", {})
    write(project, name, {}, suffix)
    problems = read_audiences(project)["problems"]
    assert len(problems) == 1 and message in problems[0]


def test_two_files_of_one_name_are_refused(project):
    write(project, "other", {})
    write(project, "other", {}, ".yaml")
    first, second = read_audiences(project)["problems"]
    assert "rename it to other.yml" in first and "another file of that name" in second


def test_who_has_not_consented_is_in_no_audience(project):
    write(project, "some", {"condition": "order_count > 1 or has_bought"})
    (audience,) = read_audiences(project)["audiences"]
    assert audience["where"] == (
        "(((order_count > 1) or has_bought) and coalesce(has_consent, true))"
    )


ATTRIBUTES = {
    "plan": {"column": "a", "kind": "category"},
    "is_club": {"column": "b", "kind": "yes_no"},
    "signed_up": {"column": "c", "kind": "date"},
    "birth_year": {"column": "d", "kind": "number"},
    "order_count": {"column": "e", "kind": "number"},
    "today": {"column": "f", "kind": "date"},
    "religion": {"column": "g", "kind": "category", "sensitive": True},
}
SHOP = {"tables": {"customers": {"attributes": ATTRIBUTES}}}


@pytest.mark.parametrize(
    ("said", "where"),
    [
        ("plan in ('plus', 'max')", "(plan in ('plus', 'max'))"),
        ("not is_club", "(not is_club)"),
        ("signed_up < '2024-01-31'", "(signed_up < cast('2024-01-31' as date))"),
        ("birth_year + 18 > 2000", "((birth_year + cast(18 as double)) > 2000)"),
        # The mart's column keeps its name.
        ("order_count > attribute_order_count", "(order_count > attribute_order_count)"),
        ("attribute_today is null", "(attribute_today is null)"),
    ],
)
def test_a_condition_may_read_declared_attributes(project, said, where):
    write(project, "some", {"condition": said})
    found = read_audiences(project, SHOP)
    assert found["problems"] == []
    assert found["audiences"][0]["met"] == where


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("religion = 'x'", "`religion` is declared sensitive, and such attributes choose no one"),
        ("Religion is null", "`religion` is declared sensitive"),
        ("plam = 'plus'", "there is no column 'plam'; did you mean plan?"),
        ("plan > 5", "text do not compare (plan is string)"),
        ("is_club = 'yes'", "text and true or false do not compare"),
    ],
)
@pytest.mark.parametrize("key", ["condition", "order_by"])
def test_attributes_are_checked_as_columns_are(project, key, said, message):
    write(project, "some", {key: said})
    (problem,) = read_audiences(project, SHOP)["problems"]
    assert problem.startswith(f"audiences/some.yml: `{key}`: ") and message in problem


def test_an_attribute_of_another_source_is_no_column(project):
    write(project, "some", {"condition": "plan = 'plus'"})
    (problem,) = read_audiences(project, {"tables": {}})["problems"]
    assert "there is no column 'plan'" in problem


def test_an_audience_is_left_out_without_a_table_that_it_needs(project):
    write(project, "visitors", {"condition": "plan = 'plus'", "needs": ["customers", "events"]})
    write(project, "others", {"after": ["visitors"]})
    for tables in ({}, {"events": {}}, SHOP["tables"], {**SHOP["tables"], "events": None}):
        found = read_audiences(project, {"tables": tables})
        assert found["problems"] == [] and names(found) == ["others"]
        assert found["audiences"][0]["after"] == []
    found = read_audiences(project, {"tables": {**SHOP["tables"], "events": {}}})
    assert names(found) == ["visitors", "others"]
    assert found["audiences"][1]["after"] == ["visitors"]


@pytest.mark.parametrize("needs", ["events", ["visits"], [["events"]], 3])
def test_a_need_is_a_table_that_a_source_may_have(project, needs):
    write(project, "some", {"needs": needs, "condition": "plan = 'plus'"})
    told = [p for p in read_audiences(project, SHOP)["problems"] if "`needs`" in p]
    assert told == [
        "audiences/some.yml: `needs` must be a list of customers, events, reviews, tables of the "
        "source"
    ]


@pytest.mark.parametrize("share", [0.1, 0.25, 0.9])
def test_a_threshold_is_that_share_of_all_hashes(share):
    assert int(hash_threshold(share), 16) / 16**8 == pytest.approx(share, abs=1e-9)
    assert len(hash_threshold(share)) == 8


def test_nothing_is_built_of_a_project_with_a_wrong_audience(new_warehouse):
    warehouse = new_warehouse("wrong")
    warehouse.project = warehouse.folder / "project"
    warehouse.project.mkdir()
    shared = ["dbt_project.yml", "profiles.yml", "models", "macros", "sources", "seeds", "tests"]
    for name in shared:
        (warehouse.project / name).symlink_to(PROJECT / name)
    (warehouse.project / "audiences").mkdir()
    write(warehouse.project, "some", {"condition": "order_cuont > 1"})
    told = "audiences/some.yml: `condition`: there is no column 'order_cuont'; did you mean"
    started = time.monotonic()
    warehouse.clientele("build")
    assert warehouse.exit_code == 2 and told in warehouse.output
    # dbt was not started.
    assert not warehouse.database.exists() and time.monotonic() - started < 30
    said = ["--vars", "{audiences_global_holdout_share: 2}"]
    folder = warehouse.project
    warehouse.project = warehouse.folder
    warehouse.dbt("build", "--project-dir", folder, "--profiles-dir", folder, *said)
    assert warehouse.exit_code != 0 and "nothing was built" in warehouse.output
    assert told in warehouse.output and "`audiences_global_holdout_share` is 2" in warehouse.output
    assert warehouse.query("select count(*) from duckdb_tables()") == [(0,)]
