"""What the pages say is so: examples run, links lead somewhere, dbt's documentation builds."""

import ast
import pkgutil
import re
import subprocess

import pytest
from conftest import PROJECT

PAGES = [*PROJECT.glob("*.md"), *PROJECT.glob("docs/**/*.md"), PROJECT / "benchmarks/RESULTS.md"]
# Paths that a reader makes: a source of their own, and the site that is built.
EXAMPLES = {"sources/shop.yml", "dashboard/dist"}
FOLDERS = "analyses|benchmarks|dashboard|docs|macros|models|seeds|sources|src|tests"


def example(page):
    """Run the page's Python example; return the value of its last line, and the text after it."""
    text = (PROJECT / "docs/methods" / page).read_text()
    code, rest = re.search(r"```python\n(.*?)```\n(.*)", text, re.DOTALL).groups()
    *body, last = ast.parse(code).body
    names = {}
    exec(compile(ast.Module(body, []), page, "exec"), names)
    return eval(compile(ast.Expression(last.value), page, "eval"), names), rest


def test_the_clustering_example_prints_what_the_page_shows():
    table, rest = example("clustering.md")
    shown = re.search(r"```\n(.*?)```", rest, re.DOTALL)[1]
    printed = table.to_string().splitlines()
    assert [line.split() for line in shown.splitlines()] == [line.split() for line in printed]


def test_the_rules_example_gives_the_table_that_the_page_shows():
    found, rest = example("rules.md")
    rows = re.findall(
        r"^\| (\d) \| (\d) \| (\d) of 10 \| (\S+) \| (\S+) \| \**([\d.]+)", rest, re.M
    )
    assert rows == [
        (
            rule.antecedent,
            rule.consequent,
            str(rule.order_count),
            f"{rule.support:.1f}",
            f"{rule.confidence:.2f}",
            f"{rule.lift:.2f}",
        )
        for rule in found.itertuples()
    ]
    assert len(rows) == 3 and (found["lift"] < 1).sum() == 2


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_every_link_between_pages_leads_to_a_file(page):
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_every_path_model_and_function_that_a_page_names_exists(page):
    text = page.read_text()
    # A path with a placeholder or a pattern names no single file; generated folders come and go.
    paths = re.findall(rf"`((?:{FOLDERS})/[\w./-]*)`", text)
    created = re.findall(r"Create `([^`]+)`", text)
    missing = [p for p in paths if not (PROJECT / p).exists() and p not in {*EXAMPLES, *created}]
    assert missing == []
    models = re.findall(r"`((?:stg|int|feat|ml)_\w+)`", text)
    assert [name for name in models if not [*PROJECT.glob(f"models/*/**/{name}.*")]] == []
    for name in re.findall(r"`(clientele(?:\.\w+)+)`", text):
        if name.startswith("clientele.duckdb"):
            continue
        pkgutil.resolve_name(name)


def test_every_var_in_the_pages_is_one_of_the_dial_board():
    dials = (PROJECT / "dbt_project.yml").read_text()
    for page in (PROJECT / "docs/methods").glob("*.md"):
        for var in re.findall(r"^\| `(\w+)` \|", page.read_text(), re.M):
            assert re.search(rf"^  {var}:", dials, re.M), (page, var)


def test_dbt_docs_are_one_page_that_asks_nobody_for_anything(sample_copy):
    sample_copy.dbt("docs", "generate", "--static")
    assert sample_copy.exit_code == 0, sample_copy.output
    page = (sample_copy.folder / "target/static_index.html").read_text()
    assert "p_alive" in page and "fct_customer_values" in page
    assert (
        re.findall(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=[\"']?(?:https?:)?//", page) == []
    )


def test_make_alone_lists_the_targets():
    listed = subprocess.run(["make"], cwd=PROJECT, capture_output=True, text=True, check=True)
    targets = re.findall(r"^(\w+)  ", listed.stdout, re.M)
    assert {"run", "test", "docs", "lint", "sample", "lock", "clean"} <= set(targets)


def test_make_run_hands_on_source_and_data():
    command = ["make", "--dry-run", "run", "SOURCE=shop", "DATA=some folder/orders.csv"]
    shown = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    assert "clientele build --source shop --data 'some folder/orders.csv'" in shown.stdout
