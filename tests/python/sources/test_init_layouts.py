"""`clientele init` on exports of many programs, with other habits each: no one touches the YAML."""

import duckdb
import yaml
from sources.habits import habits, write
from sources.layouts import LAYOUTS, rows, truth

from clientele.cli import main
from clientele.sources.importing import import_source

# One of each layout.
VARIANTS = range(len(LAYOUTS))
# A refusal is no wrong total, but few may be refused.
MOST_REFUSED = 2


def differences(layout, seed, folder):
    """Return how an import differs from the truth, as sentences; none if it does not.

    Raises:
        SystemExit: the command refused the export.
    """
    header, table = rows(layout, seed)
    place = folder / f"export{seed}"
    place.mkdir()
    path = write(layout, seed, place, header, table)
    if main(["init", str(path), "--name", f"shop{seed}", "--yes"]) != 0:
        raise SystemExit
    source = yaml.safe_load((folder / f"sources/shop{seed}.yml").read_text("utf-8"))["source"]
    lines = import_source(source, str(path), folder / "imports").folder / "order_lines.parquet"
    before = habits(seed)["order"].replace(".0", "")
    expected = {before + number: order for number, order in truth(layout, seed).items()}
    found = {
        order: rest
        for order, *rest in duckdb.sql(
            f"""
            select order_id, cast(min(ordered_at) as date), min(customer_id),
                100 * sum(coalesce(line_amount, quantity * unit_price)
                    - coalesce(discount_amount, 0) - coalesce(refunded_amount, 0))
            from '{lines}' where reject_reason is null group by 1
            """
        ).fetchall()
    }
    if set(found) != set(expected):
        return [f"orders {sorted(set(found) ^ set(expected))[:5]}"]
    told = [
        f"{order}: {found[order]} for {expected[order]}"
        for order in expected
        if found[order][0] != expected[order][0] or float(found[order][2]) != expected[order][2]
    ]
    pairs = {(expected[order][1], found[order][1]) for order in expected}
    if layout.customer and not len({a for a, _ in pairs}) == len({b for _, b in pairs}) == len(
        pairs
    ):
        told.append(f"customers {sorted(map(str, pairs))[:5]}")
    return told[:5]


def test_exports_of_other_programs_import_without_a_hand_on_the_yaml(tmp_path, monkeypatch, capsys):
    (tmp_path / "dbt_project.yml").write_text("name: shop\n")
    monkeypatch.chdir(tmp_path)
    refused, wrong, names = {}, {}, list(LAYOUTS)
    for seed in VARIANTS:
        name = names[seed % len(names)]
        try:
            told = differences(LAYOUTS[name], seed, tmp_path)
        except SystemExit:
            refused[seed, name] = capsys.readouterr().err
            continue
        if told:
            wrong[seed, name] = told, habits(seed)
    assert not wrong
    assert len(refused) <= MOST_REFUSED, refused
