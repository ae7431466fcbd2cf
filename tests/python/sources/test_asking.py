"""In a terminal `clientele init` asks where two answers are plausible and matter; else never."""

import os
import pty
import select
import subprocess
import sys
import time

import pytest
import yaml
from sources.exports import LINES, csv_text
from sources.test_totals import EXPORT, export

DATES = csv_text([[*line[:3], f"0{i + 1}/02/2024", *line[4:]] for i, line in enumerate(LINES)])
# Each line has its money without and with the tax, and both are quantity times a price.
PRICES = ["Order", "Customer", "SKU", "Date", "Qty", "Price net", "Amount net", "Price incl tax",
          "Amount incl tax"]  # fmt: skip
TWO_PRICES = csv_text(
    [
        [f"A{i}", f"c{i % 4}", f"p{i % 5}", f"2024-03-{i + 1:02}", str(1 + i % 3)]
        + [f"{(1 + i % 5) * rate * n:.2f}" for rate in (10, 12) for n in (1, 1 + i % 3)]
        for i in range(20)
    ],
    PRICES,
)
# Two columns that may each be the money of the line; neither is a product.
TWO_AMOUNTS = csv_text(
    [
        [f"A{i}", f"c{i % 4}", f"p{i % 5}", f"2024-03-{i + 1:02}", f"{7 + i}.10", f"{9 + i}.35"]
        for i in range(20)
    ],
    ["Order", "Customer", "SKU", "Date", "Amount", "Sales"],
)
DISCOUNTS = csv_text(export("paid", usual=False), EXPORT)


def table_of(folder):
    source = yaml.safe_load((folder / "sources/shop.yml").read_text())["source"]
    return source["tables"]["order_lines"]


def command(*more):
    return [sys.executable, "-m", "clientele.cli", "init", "orders.csv", "--name", "shop", *more]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "dbt_project.yml").touch()
    return tmp_path


def in_terminal(folder, text, answers, *more):
    """Run init in a pseudo terminal, answer its questions, and return what it printed."""
    (folder / "orders.csv").write_text(text)
    parent, child = pty.openpty()
    process = subprocess.Popen(
        command(*more), cwd=folder, stdin=child, stdout=child, stderr=child, close_fds=True
    )
    os.close(child)
    said, waiting, end = "", list(answers), time.monotonic() + 120
    while time.monotonic() < end:
        if not select.select([parent], [], [], 0.2)[0]:
            if process.poll() is not None:
                break
            continue
        try:
            read = os.read(parent, 65536)
        except OSError:
            break
        if not read:
            break
        said += read.decode()
        if said.rstrip().endswith("Which one?"):
            assert waiting, f"a question without an answer: {said}"
            os.write(parent, waiting.pop(0).encode() + b"\n")
            said += "\n"
    os.close(parent)
    assert process.wait(timeout=30) == 0, said
    assert not waiting, f"not asked often enough: {said}"
    return said


@pytest.mark.parametrize("answer, form", [("1", "%d/%m/%Y"), ("2", "%m/%d/%Y")])
def test_the_order_of_day_and_month_is_asked(folder, answer, form):
    said = in_terminal(folder, DATES, [answer])
    assert "can be read in two ways" in said or "two ways" in said
    assert table_of(folder)["date_format"] == form


@pytest.mark.parametrize("answer, price", [("1", "Price net"), ("2", "Price incl tax")])
def test_which_of_two_prices_is_asked(folder, answer, price):
    said = in_terminal(folder, TWO_PRICES, [answer])
    assert "There are two prices. Which one is the money that your shop takes?" in said
    assert table_of(folder)["columns"]["unit_price"] == price


@pytest.mark.parametrize("answer, amount", [("1", "Amount"), ("2", "Sales")])
def test_which_of_two_amounts_is_asked_with_their_sums(folder, answer, amount):
    said = in_terminal(folder, TWO_AMOUNTS, [answer])
    assert "'Amount' (together 332.00)" in said and "'Sales' (377.00)" in said
    assert table_of(folder)["columns"]["line_amount"] == amount


@pytest.mark.parametrize("answer, has_discount", [("1", False), ("2", True)])
def test_what_stated_totals_leave_open_is_asked(folder, answer, has_discount):
    said = in_terminal(folder, DISCOUNTS, [answer])
    assert "differ from lines - discounts" in said
    assert ("discount_amount" in table_of(folder)["columns"]) == has_discount


def test_an_answer_that_is_none_is_asked_again(folder):
    said = in_terminal(folder, TWO_AMOUNTS, ["both", "3", "2"])
    assert said.count("Which one?") == 3


def test_what_is_clear_is_not_asked(folder):
    in_terminal(folder, csv_text(), [])


def test_yes_asks_nothing_in_a_terminal(folder):
    said = in_terminal(folder, TWO_PRICES, [], "--yes")
    assert "There are two prices: 'Price net'" in said
    assert table_of(folder)["columns"]["unit_price"] == "Price net"


@pytest.mark.parametrize("stdin", [subprocess.DEVNULL, subprocess.PIPE])
def test_nothing_is_asked_without_a_terminal(folder, stdin):
    (folder / "orders.csv").write_text(TWO_AMOUNTS)
    done = subprocess.run(
        command(), cwd=folder, capture_output=True, text=True, timeout=120,
        **({"stdin": stdin} if stdin == subprocess.DEVNULL else {"input": "2\n"}),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Which one?" not in done.stderr + done.stdout
    assert "'Amount' (together 332.00) is taken as the money of the line" in done.stdout
    assert table_of(folder)["columns"]["line_amount"] == "Amount"
