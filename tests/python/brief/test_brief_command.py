"""The command: files, exit codes and what the three kinds of page have in common."""

import datetime
import re
import shutil

import numpy as np
import pytest
import weekly_shops as shops
from conftest import PROJECT

from clientele import cli
from clientele.brief.page import amount_of, brief
from clientele.brief.pictures import bars
from clientele.brief.writing import WIDTH, as_html, as_markdown, as_text

NAME = "<b>A & `b` | [c](http://d)_"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Publications of a shop whose prices rise, and whose first product has a hostile name."""
    folder = tmp_path_factory.mktemp("published")
    orders, lines = shops.simulate(np.random.default_rng(4), arrivals=6)
    shops.publish(folder, orders, lines, shops.DAYS - 15, 1)
    now = (lines["day"] > shops.DAYS - 15) & ~lines["is_return"]
    lines.loc[now, "unit_price"] *= 1.2
    more = f"update marts.dim_products set product_name = '{NAME}';"
    shops.publish(folder, orders, lines, shops.DAYS - 1, 2, more=more)
    return folder


@pytest.fixture
def run(folder, monkeypatch, capsys, tmp_path):
    """Return a function that runs the command and gives its exit code and output."""
    monkeypatch.chdir(PROJECT)
    monkeypatch.setenv("CLIENTELE_PUBLISH_DIR", str(folder))

    def run(*arguments):
        code = cli.main(["brief", *map(str, arguments)])
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    return run


def test_text_is_printed_and_files_are_written(run, tmp_path):
    code, printed = run("--today", shops.AS_OF)
    assert code == 0 and "Prices up" in printed and NAME in " ".join(printed.split())
    files = [tmp_path / name for name in ("a.html", "a.md", "a.txt")]
    code, said = run("--today", shops.AS_OF, *(word for file in files for word in ("--to", file)))
    assert code == 0 and said.split() == [str(file) for file in files]
    assert files[2].read_text() == printed
    assert all("Prices up" in file.read_text() for file in files)
    code, said = run("--to", tmp_path / "a.pdf")
    assert code == 2 and "must end with .html, .md, .txt" in said
    code, said = run("--to", tmp_path / "reports" / "a.html")
    assert code == 2 and said.strip() == (
        f"clientele: there is no folder {tmp_path}/reports for a.html; make it first"
    )


def test_a_scheduler_is_told_of_old_data_and_still_gets_the_page(run, tmp_path):
    old = shops.AS_OF + datetime.timedelta(days=9)
    file = tmp_path / "a.md"
    assert run("--today", old, "--to", file)[0] == 0
    file.unlink()
    assert run("--today", old, "--to", file, "--fail-on-stale")[0] == 3
    assert "**Stale:**" in file.read_text()
    assert run("--today", shops.AS_OF, "--fail-on-stale")[0] == 0


def test_the_day_is_that_of_the_clock_without_another(run):
    code, printed = run("--fail-on-stale")
    age = (datetime.date.today() - shops.AS_OF).days
    assert code == 3 and (f"{age} days ago" in printed or "years ago" in printed)


def test_only_the_command_reads_the_clock():
    clock = re.compile(r"\.today\(|\.now\(|\btime\.time\(|current_date|current_timestamp|\bnow\(\)")
    files = sorted((PROJECT / "src/clientele/brief").glob("*.py"))
    assert [file.name for file in files if clock.search(file.read_text())] == ["command.py"]


def test_the_page_in_html_loads_nothing_and_runs_nothing(folder):
    html = as_html(brief(folder, shops.AS_OF))
    assert "<svg" in html and "&lt;b&gt;A &amp;" in html
    assert "<b>A" not in html and "<script" not in html
    assert re.findall(r'(?:src|href)="(?!data:,)', html) == []
    assert re.findall(r"url\(|@import", html) == []


def test_markdown_shows_names_as_they_are(folder):
    text = as_markdown(brief(folder, shops.AS_OF))
    assert "\\<b\\>A & \\`b\\` \\| \\[c\\](http://d)\\_" in text


def test_lines_of_text_fit_a_mail(folder):
    lines = as_text(brief(folder, shops.AS_OF)).splitlines()
    assert max(len(line) for line in lines if not line.startswith("   > ")) <= WIDTH


def test_a_period_that_may_not_be_shown_has_no_bar():
    values = [5.0, float("nan"), 7.0]
    drawn = bars(values, 6.0, (4.0, 8.0), str, "Orders")
    assert drawn.count('class="bar"') == 1 and drawn.count('class="now"') == 1
    assert "nan" not in drawn


def test_amounts_have_three_digits_at_most():
    assert amount_of(1_234_567, "EUR") == "1,230,000 EUR"
    assert amount_of(-98_765, "", sign=True) == "-98,800"
    assert amount_of(12.345, "GBP") == "12.35 GBP"
    assert amount_of(0, "GBP") == "0 GBP"


def test_the_sample_has_a_page_of_its_first_publication(published_sample, tmp_path):
    """All marts of a real build are read."""
    folder = tmp_path / "published"
    shutil.copytree(published_sample.folder / "published", folder, symlinks=True)
    page = brief(folder, datetime.date(2026, 1, 1))
    assert "25 December 2025 to 31 December 2025" in page.title and "orders of" in page.lead[0]
    assert not page.is_stale and "Nothing is beyond" in page.none
    assert "no earlier publication" in page.footer
