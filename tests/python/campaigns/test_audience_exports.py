"""Exports: the record is frozen, the list holds the treated, and both are there or neither."""

import csv
import multiprocessing
import os
import re

import duckdb
import pytest
import yaml
from audience_projects import write_audience, write_project
from conftest import PROJECT
from scipy import stats

from clientele import cli, state
from clientele.build_command import settings_of
from clientele.campaigns import exporting
from clientele.campaigns.exporting import export, sample_ratio_p_value
from clientele.campaigns.members import open_audiences

RECORD = {
    "campaign_id": "VARCHAR",
    "customer_id": "VARCHAR",
    "arm": "VARCHAR",
    "assigned_at": "TIMESTAMP",
    "sent_at": "TIMESTAMP",
    "channel": "VARCHAR",
    "cost": "DECIMAL(18,4)",
    "planned_holdout_share": "DOUBLE",
    "segment": "VARCHAR",
    "reason": "VARCHAR",
}


@pytest.fixture
def project(tmp_path, monkeypatch):
    for name in ("CLIENTELE_PUBLISH_DIR", "CLIENTELE_CAMPAIGNS_DIR"):
        monkeypatch.delenv(name, raising=False)
    project = write_project(tmp_path / "project")
    write_audience(
        project, "due", condition="contact_group = 'due'", holdout=0.2, cost_per_contact=0.5
    )
    monkeypatch.chdir(project)
    return project


def exported(project, name, file, **options):
    with open_audiences(project) as found:
        return export(found, name, file, **options)


def records(project):
    return sorted(path.name for path in (project / "campaigns").rglob("*.parquet"))


def leftovers(folder):
    return [path for path in folder.rglob("*.tmp")]


def test_the_record_is_the_raw_table_of_campaigns_and_says_why(project, tmp_path):
    done = exported(project, "due", tmp_path / "due.csv")
    record = project / "campaigns/shop/due_2024-12-31.parquet"
    rows = duckdb.execute(f"select * from '{record}'").fetchall()
    described = duckdb.execute(f"describe select * from '{record}'").fetchall()
    assert {row[0]: row[1] for row in described} == RECORD
    assert len(rows) == 500 == done.treated + done.control
    assert {row[0] for row in rows} == {done.campaign_id} == {"due_2024-12-31"}
    # The best come first; the cost is that of contacts.
    assert [row[1] for row in rows[:3]] == ["c998", "c996", "c994"]
    assert {(row[2], str(row[6])) for row in rows} == {("treated", "0.5000"), ("control", "0.0000")}
    assert {str(row[3]) for row in rows} == {"2025-01-01 00:00:00"}
    assert {row[7] for row in rows} == {0.2}
    assert rows[0][9] == "Some people. Place 1. Because"


def test_the_list_holds_the_treated_in_order_with_what_a_mail_tool_wants(project, tmp_path):
    done = exported(project, "due", tmp_path / "due.csv")
    with (tmp_path / "due.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    record = project / "campaigns/shop/due_2024-12-31.parquet"
    treated = duckdb.execute(f"select customer_id from '{record}' where arm = 'treated'").fetchall()
    assert [row["customer_id"] for row in rows] == [c for (c,) in treated]
    assert len(rows) == done.treated
    assert rows[0]["campaign_id"] == "due_2024-12-31"
    assert rows[0]["next_product"] == 'Mug, 1/2 "l"' and rows[0]["next_product_id"] == "p1"


@pytest.mark.parametrize(("file", "option"), [("due.parquet", None), ("due.x", "parquet")])
def test_the_list_may_be_parquet(project, tmp_path, file, option):
    done = exported(project, "due", tmp_path / file, file_format=option)
    rows = duckdb.execute(f"select count(*) from read_parquet('{tmp_path / file}')").fetchall()
    assert rows == [(done.treated,)]


def test_a_second_export_of_the_day_records_nothing_new(project, tmp_path):
    first = exported(project, "due", tmp_path / "due.csv")
    before = (tmp_path / "due.csv").read_bytes()
    # Not even if the audience has changed.
    write_audience(project, "due", condition="true", rest_days=0)
    again = exported(project, "due", tmp_path / "due.csv")
    assert not again.is_new and not again.wrote_file
    assert (again.campaign_id, again.treated) == (first.campaign_id, first.treated)
    assert records(project) == ["due_2024-12-31.parquet"]
    assert (tmp_path / "due.csv").read_bytes() == before
    # A list that is not there is written from the record.
    other = exported(project, "due", tmp_path / "other.csv")
    assert not other.is_new and other.wrote_file
    assert (tmp_path / "other.csv").read_bytes() == before


def test_force_records_another_campaign_of_those_who_do_not_rest(project, tmp_path):
    exported(project, "due", tmp_path / "due.csv")
    with pytest.raises(ValueError, match="no one to contact"):
        exported(project, "due", tmp_path / "again.csv", force=True)
    write_audience(project, "due", condition="order_count >= 900", rest_days=7, holdout=0.2)
    done = exported(project, "due", tmp_path / "due.csv", force=True)
    assert done.campaign_id == "due_2024-12-31_2" and done.treated + done.control == 50
    assert records(project) == ["due_2024-12-31.parquet", "due_2024-12-31_2.parquet"]


def test_the_records_of_another_audience_are_not_its_own(project, tmp_path):
    exported(project, "due", tmp_path / "due.csv")
    write_audience(project, "due_2024", condition="contact_group = 'new'")
    done = exported(project, "due_2024", tmp_path / "other.csv")
    assert done.is_new and done.campaign_id == "due_2024_2024-12-31"


def test_a_file_that_exists_is_kept_and_nothing_is_recorded(project, tmp_path):
    (tmp_path / "due.csv").write_text("mine")
    with pytest.raises(ValueError, match="due.csv exists.*--force"):
        exported(project, "due", tmp_path / "due.csv")
    assert records(project) == [] and (tmp_path / "due.csv").read_text() == "mine"
    exported(project, "due", tmp_path / "due.csv", force=True)
    assert records(project) == ["due_2024-12-31.parquet"]


def test_an_empty_audience_is_not_exported(project, tmp_path):
    write_audience(project, "nothing", condition="clv < 0")
    with pytest.raises(ValueError, match="no one to contact as of 2024-12-31.*preview nothing"):
        exported(project, "nothing", tmp_path / "x.csv")
    assert records(project) == [] and not (tmp_path / "x.csv").exists()


def test_arms_that_do_not_fit_are_refused(project, tmp_path, monkeypatch):
    # As if something had removed most of those held out.
    macro = project / "macros/campaigns/audience_members.sql"
    text = macro.read_text()
    macro.write_text(text.replace("then 'control'", "and order_count % 8 = 0 then 'control'"))
    with pytest.raises(ValueError, match=r"of 500 customers are held out where 20% are planned"):
        exported(project, "due", tmp_path / "due.csv")
    assert records(project) == [] and not (tmp_path / "due.csv").exists()
    done = exported(project, "due", tmp_path / "due.csv", force=True)
    assert done.p_value < 0.001 and records(project) == ["due_2024-12-31.parquet"]


def test_the_sample_ratio_check_refuses_a_thousandth_of_fair_exports():
    draws = stats.binom.rvs(5000, 0.1, size=20_000, random_state=1)
    refused = sum(sample_ratio_p_value(5000 - n, n, 0.1) < 0.001 for n in draws)
    assert 5 <= refused <= 45
    assert sample_ratio_p_value(5, 0, 0) is None
    # Two of three held out where a tenth is planned: 2.8 % by the binomial distribution.
    assert sample_ratio_p_value(1, 2, 0.1) == pytest.approx(0.028)


def fail_at(monkeypatch, step, how):
    """Make the renaming number ``step`` of an export fail."""
    calls, rename = [], os.replace

    def renamed(source, target):
        calls.append(target)
        if len(calls) == step:
            how()
        rename(source, target)

    monkeypatch.setattr(exporting.os, "replace", renamed)


def no_space():
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("step", [1, 2])
def test_a_write_that_fails_leaves_neither_record_nor_list(project, tmp_path, monkeypatch, step):
    fail_at(monkeypatch, step, no_space)
    with pytest.raises(OSError, match="No space"):
        exported(project, "due", tmp_path / "due.csv")
    assert records(project) == [] and not (tmp_path / "due.csv").exists()
    assert leftovers(tmp_path) == []


def test_a_folder_that_is_not_there_leaves_no_record(project, tmp_path):
    with pytest.raises(OSError, match="nowhere/due.csv"):
        exported(project, "due", tmp_path / "nowhere/due.csv")
    assert records(project) == [] and leftovers(project) == []


def _killed(project, file, step):
    fail_at(pytest.MonkeyPatch(), step, lambda: os._exit(9))
    exported(project, "due", file)


@pytest.mark.parametrize(("step", "recorded"), [(1, []), (2, ["due_2024-12-31.parquet"])])
def test_a_process_that_is_killed_leaves_nothing_that_the_next_does_not_finish(
    project, tmp_path, step, recorded
):
    file = tmp_path / "due.csv"
    process = multiprocessing.get_context("fork").Process(
        target=_killed, args=(project, file, step)
    )
    process.start()
    process.join(60)
    assert process.exitcode == 9
    # A list is never there without its record.
    assert records(project) == recorded and not file.exists()
    done = exported(project, "due", file)
    assert done.wrote_file and done.is_new == (not recorded)
    assert records(project) == ["due_2024-12-31.parquet"]
    assert len(file.read_text().splitlines()) == done.treated + 1
    assert leftovers(tmp_path) == []


def test_two_exports_at_once_are_one(project, tmp_path):
    with open_audiences(project) as found:
        found.records.mkdir(parents=True)
        with exporting.exclusive(found.records / ".export.lock", "busy"):
            with pytest.raises(OSError, match="another export is at work"):
                export(found, "due", tmp_path / "due.csv")


def test_a_build_reads_the_records_of_its_source_and_sees_new_ones(project, tmp_path):
    (project / "sources").mkdir()
    sample = (PROJECT / "sources/sample.yml").read_text()
    (project / "sources/shop.yml").write_text(sample.replace("name: sample", "name: shop"))
    before, _ = settings_of(project, "shop", None, None, [])
    assert "campaign_exports" not in before
    exported(project, "due", tmp_path / "due.csv")
    after, _ = settings_of(project, "shop", None, None, [])
    assert after["campaign_exports"] == str(project / "campaigns/shop/*.parquet")
    first = state.state_of(project, after)
    write_audience(project, "other", condition="contact_group = 'new'")
    second = state.state_of(project, after)
    assert state.changed(first, second) == ["the project's code"]
    exported(project, "other", tmp_path / "other.csv")
    assert state.changed(second, state.state_of(project, after)) == ["files of the source"]


def agree(project, condition):
    """Set for each customer of the publication whether they agreed to be contacted."""
    with duckdb.connect(str(project / "published/current/clientele.duckdb")) as connection:
        connection.execute(f"update marts.dim_customers set has_consent = ({condition})")


def test_who_did_not_agree_is_in_no_arm_and_is_counted(project, capsys):
    agree(project, "order_count % 3 <> 0")
    assert cli.main(["audience", "preview", "due"]) == 0
    # Customers 0, 6, 12 and so on meet the condition, too.
    assert "167 more meet the condition and did not agree" in capsys.readouterr().out
    with open_audiences(project) as found:
        members = {int(row[0][1:]) for row in found.rows("select customer_id from members")}
    assert members == {number for number in range(0, 1000, 2) if number % 3}
    agree(project, "null")
    assert cli.main(["audience", "preview", "due"]) == 0
    assert "agree" not in capsys.readouterr().out
    with open_audiences(project) as found:
        assert found.rows("select count(*) from members") == [(500,)]


def test_who_has_withdrawn_since_the_export_is_not_in_a_list_that_is_written_again(
    project, tmp_path
):
    agree(project, "true")
    file = tmp_path / "due.csv"
    before = exported(project, "due", file)
    first = file.read_text().splitlines()
    file.unlink()
    agree(project, "customer_id <> 'c998'")
    done = exported(project, "due", file)
    assert not done.is_new and done.wrote_file and before.treated == len(first) - 1
    assert file.read_text().splitlines() == [line for line in first if "c998" not in line]
    assert any("c998" in line for line in first)


def test_the_command_line_lists_previews_and_exports(project, tmp_path, capsys):
    write_audience(project, "nothing", condition="clv < 0", after=["due"])
    assert cli.main(["audience", "list"]) == 0
    said = capsys.readouterr().out
    assert "As of 2024-12-31" in said and "due" in said and "after due, empty" in said
    assert cli.main(["audience", "list", "--columns"]) == 0
    assert "next_product " in capsys.readouterr().out
    assert cli.main(["audience", "preview", "due"]) == 0
    said = capsys.readouterr().out
    assert "held out (20% planned)" in said and "EUR" in said and "s0" in said
    assert cli.main(["audience", "preview", "nothing"]) == 0
    assert "Warning: the audience is empty. No customer" in capsys.readouterr().out
    assert cli.main(["audience", "export", "due", "--to", "due.csv"]) == 0
    assert "Campaign due_2024-12-31 is recorded in" in capsys.readouterr().out
    assert cli.main(["audience", "export", "due", "--to", "due.csv"]) == 0
    said = capsys.readouterr().out
    assert "exported as of 2024-12-31 before" in said and "Nothing new" in said
    assert cli.main(["audience", "preview", "due"]) == 0
    said = capsys.readouterr().out
    assert "Exported as due_2024-12-31" in said and "500 customers meet the condition" in said
    assert cli.main(["audience", "list"]) == 0
    said = capsys.readouterr().out
    assert "Exported, and not started as of 2024-12-31:" in said
    assert re.search(r"due_2024-12-31 +from 2025-01-01  \d+ to contact, \d+ held out", said)


def test_a_campaign_has_started_on_the_day_of_its_assignment(project, tmp_path, capsys):
    exported(project, "due", tmp_path / "due.csv")
    database = str(project / "published/current/clientele.duckdb")
    for day, is_told in (("2024-12-31", True), ("2025-01-01", False)):
        with duckdb.connect(database) as connection:
            connection.execute(f"update marts.publications set as_of_date = date '{day}'")
        assert cli.main(["audience", "list"]) == 0
        assert ("not started" in capsys.readouterr().out) == is_told


def test_the_planned_share_of_a_record_is_that_of_the_sample_ratio_check(project, tmp_path):
    (project / "sources").mkdir()
    sample = (PROJECT / "sources/sample.yml").read_text()
    (project / "sources/shop.yml").write_text(sample.replace("name: sample", "name: shop"))
    write_audience(project, "everyone", holdout=0, rest_days=0)
    for name in ("due", "everyone"):
        exported(project, name, tmp_path / f"{name}.csv")
    planned = {"due_2024-12-31": {"treated": 0.8, "control": 0.2}}
    settings, _ = settings_of(project, "shop", None, None, [])
    assert settings["campaigns_shares"] == planned
    # What is stated counts; a record of an earlier version keeps no plan.
    stated = {"spring": {"treated": 0.9, "control": 0.1}}
    said = ["--vars", yaml.safe_dump({"campaigns_shares": stated})]
    assert settings_of(project, "shop", None, None, said)[0]["campaigns_shares"] == planned | stated
    other = {"due_2024-12-31": {"treated": 0.5, "control": 0.5}}
    said = ["--vars", yaml.safe_dump({"campaigns_shares": other})]
    assert settings_of(project, "shop", None, None, said)[0]["campaigns_shares"] == other
    record = project / "campaigns/shop/due_2024-12-31.parquet"
    duckdb.execute(
        f"copy (select * exclude planned_holdout_share from '{record}') to '{tmp_path}/old.parquet'"
    )
    os.replace(tmp_path / "old.parquet", record)
    assert "campaigns_shares" not in settings_of(project, "shop", None, None, [])[0]
    # Records with and without a plan are read together.
    assert cli.main(["audience", "list"]) == 0
    record.write_bytes(b"no parquet")
    with pytest.raises(ValueError, match=f"{record} is no record of an export"):
        settings_of(project, "shop", None, None, [])


def test_a_publication_from_before_there_were_plans_is_previewed(project, capsys):
    with duckdb.connect(str(project / "published/current/clientele.duckdb")) as connection:
        connection.execute("drop table marts.fct_campaign_plans")
    assert cli.main(["audience", "preview", "due"]) == 0
    assert "after the next build" in capsys.readouterr().out


def test_a_wrong_audience_is_told_by_each_command(project, capsys):
    write_audience(project, "wrong", condition="clvv > 1")
    assert cli.main(["audience", "preview", "due"]) == 2
    said = capsys.readouterr().err
    assert "audiences/wrong.yml: `condition`: there is no column 'clvv'; did you mean clv" in said
    (project / "audiences/wrong.yml").unlink()
    assert cli.main(["audience", "preview", "duo"]) == 2
    assert "no audience 'duo'; did you mean due?" in capsys.readouterr().err


def test_the_next_build_reads_the_record(published_sample, sample_copy, monkeypatch):
    """Next to the campaigns of the source, with both arms."""
    monkeypatch.setenv("CLIENTELE_PUBLISH_DIR", str(published_sample.folder / "published"))
    monkeypatch.setenv("CLIENTELE_CAMPAIGNS_DIR", str(sample_copy.folder / "campaigns"))
    before = sample_copy.query("select count(*) from staging.stg_campaigns")[0][0]
    with open_audiences(PROJECT) as found:
        done = export(found, "welcome", sample_copy.folder / "welcome.csv")
    settings, _ = settings_of(PROJECT, "sample", None, None, [])
    read = f"{{campaign_exports: '{settings['campaign_exports']}'}}"
    sample_copy.dbt("run", "--select", "stg_campaigns", "--vars", read)
    assert sample_copy.exit_code == 0, sample_copy.output[-3000:]
    rows = sample_copy.query(
        "select arm, count(*), min(assigned_at)::varchar, count(segment) "
        f"from staging.stg_campaigns where campaign_id = '{done.campaign_id}' group by 1 order by 1"
    )
    assert rows == [
        ("control", done.control, "2026-01-01 00:00:00", done.control),
        ("treated", done.treated, "2026-01-01 00:00:00", done.treated),
    ]
    after = sample_copy.query("select count(*) from staging.stg_campaigns")[0][0]
    assert after == before + done.control + done.treated


def test_a_list_needs_a_known_ending_or_a_format(project, tmp_path):
    with pytest.raises(ValueError, match="ends in neither .csv nor .parquet"):
        exported(project, "due", tmp_path / "due.xlsx")
    assert records(project) == []
    exported(project, "due", tmp_path / "due.txt", file_format="csv")
    assert (tmp_path / "due.txt").read_text().startswith("customer_id,")


def test_a_damaged_record_is_named(project, tmp_path):
    exported(project, "due", tmp_path / "due.csv")
    record = project / "campaigns/shop/due_2024-12-31.parquet"
    record.write_bytes(b"no parquet")
    with pytest.raises(ValueError, match=f"{record} is no record of an export"):
        exported(project, "due", tmp_path / "again.csv", force=True)


def test_a_damaged_publication_is_told_without_a_traceback(project, capsys):
    (project / "published/current/clientele.duckdb").write_bytes(b"no database")
    assert cli.main(["audience", "list"]) == 2
    assert "a file is damaged" in capsys.readouterr().err


def test_no_number_in_a_condition_overflows(project, tmp_path):
    products = "order_count * 9223372036854775807 * 9223372036854775807"
    write_audience(project, "huge", condition=f"-({products}) + order_count * 9e99 < 1")
    assert exported(project, "huge", tmp_path / "huge.csv").treated > 0


def test_a_build_with_another_global_holdout_is_not_exported_from(project, tmp_path):
    """Such as one with `--vars`: its holdout would be written to."""
    database = project / "published/current/clientele.duckdb"
    built = "create table marts.fct_audience_members as select 'due' as audience, 'c' || n as "
    with duckdb.connect(str(database)) as connection:
        connection.execute(f"{built} customer_id, 'treated' as arm from range(10) as t(n)")
    exported(project, "due", tmp_path / "due.csv")
    with duckdb.connect(str(database)) as connection:
        connection.execute(
            "update marts.fct_audience_members set arm = 'global_holdout' where customer_id = 'c4'"
        )
    with pytest.raises(ValueError, match="1 customer is in the global holdout of either"):
        exported(project, "due", tmp_path / "again.csv", force=True)
