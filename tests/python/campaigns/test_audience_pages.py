"""What docs/audiences.md shows runs: commands, the example and the statements for mail tools."""

import csv
import re

import duckdb
import pytest
from conftest import PROJECT

from clientele import cli
from clientele.campaigns.audiences import DEFAULTS

PAGE = (PROJECT / "docs/audiences.md").read_text()


@pytest.fixture
def project(published_sample, tmp_path, monkeypatch):
    """The project with its published sample, where files may be added."""
    for name in ("dbt_project.yml", "models", "macros", "sources"):
        (tmp_path / name).symlink_to(PROJECT / name)
    (tmp_path / "audiences").mkdir()
    for file in (PROJECT / "audiences").glob("*.yml"):
        (tmp_path / "audiences" / file.name).write_text(file.read_text())
    monkeypatch.setenv("CLIENTELE_PUBLISH_DIR", str(published_sample.folder / "published"))
    monkeypatch.delenv("CLIENTELE_CAMPAIGNS_DIR", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_commands_and_the_statements_run_in_their_order(project, capsys):
    name, text = re.search(r"`(audiences/\w+\.yml)`:\n\n```yaml\n(.*?)```", PAGE, re.S).groups()
    (project / name).write_text(text)
    commands = re.findall(r"^clientele (audience .*?)(?: +#.*)?$", PAGE, re.M)
    assert len(commands) >= 6
    for command in [*commands, "audience preview lapsing_members"]:
        assert cli.main(command.split()) == 0, (command, capsys.readouterr().err)
        said = capsys.readouterr().out
    # The last one is of the example: 250 contacts for its money.
    assert "The contacts cost" in said and "to contact" in said
    with open("win_back.csv", encoding="utf-8", newline="") as file:
        customers = [row["customer_id"] for row in csv.DictReader(file)]
    lines = [f"{customer},{customer}@example.com" for customer in customers]
    (project / "addresses.csv").write_text("\n".join(["customer_id,email", *lines]))
    statements = re.findall(r"```sql\n(copy .*?)```", PAGE, re.S)
    firsts = {}
    for statement in statements:
        duckdb.sql(statement)
        target = re.search(r"to '(\w+\.csv)'", statement)[1]
        with open(target, encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
        assert len(rows) == len(customers) + 1
        firsts[target] = rows[0][0]
    assert firsts == {
        "mailchimp.csv": "Email Address", "klaviyo.csv": "Email", "brevo.csv": "EMAIL"
    }  # fmt: skip


def test_the_readme_shows_commands_that_run(project, capsys):
    commands = re.findall(
        r"^(?:\.venv/bin/)?clientele (audience .*?)(?: +#.*)?$",
        (PROJECT / "README.md").read_text(),
        re.M,
    )
    assert len(commands) >= 3
    for command in commands:
        assert cli.main(command.split()) == 0, (command, capsys.readouterr().err)


def test_the_page_has_every_key_with_its_default_and_every_audience():
    table = PAGE.split("| key | meaning | default |")[1].split("\n\n")[0]
    named = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\|([^|]+)\|", table, re.M))))
    assert named == {"description", "condition", *DEFAULTS}
    for key in ("holdout", "rest_days", "channel", "order_by"):
        row = re.search(rf"^\| `{key}` \|.*\| (.*?) \|$", table, re.M)
        assert row[1].strip("`") == str(DEFAULTS[key])
    said = [{"name": file.stem} for file in (PROJECT / "audiences").glob("*.yml")]
    assert len(said) >= 6 and all(f"`{audience['name']}`" in PAGE for audience in said)
