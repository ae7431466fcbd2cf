"""Scores of a few customers are what a build on the same data says about them.

The build to compare with keeps the fits of the first one, as a score does: it computes with dbt,
for all customers, the models that a score computes for some.
"""

import csv
import hashlib
import io
import json
import shutil
from types import SimpleNamespace

import duckdb
import numpy as np
import pandas as pd
import pytest
from conftest import NO_TESTS, PROJECT

import clientele
from clientele.cli import main
from clientele.scoring import engine, others
from clientele.simulation.generating import generate
from clientele.sources import load_source
from clientele.value.seasons import Calendar

# All that decides what is scored, without what is fitted or about the shop.
SCORED = sorted(
    {
        *engine.FILLED,
        *engine.COMPUTED,
        *engine.PARALLEL,
        "int_product_codes",
        "int_order_lines",
        "int_products",
    }
    | {"int_order_fingerprints", "int_changed_orders", "ml_customers__season_histories"}
    | {"ml_clv__histories", "ml_customers__clv", "fct_customer_rfm", "fct_segment_memberships"}
    - {"ml_clv__seasons"}
)
# Of the customers with new lines, a fifth is new altogether, and for another fifth a line is added
# to an order that the warehouse has.
SPLIT = """
create table lines as
select row_number() over () as row_number, * from '{raw}/order_lines/*.parquet';
-- By mistake, some orders have a line of a guest, or of another customer.
create table mistaken as
select max(row_number) as row_number, min(md5(order_id)) < 'f8' as is_guest from lines
where order_id is not null group by order_id having count(*) > 1 and min(md5(order_id)) > 'f0';
update lines set customer_id = null
where row_number in (select row_number from mistaken where is_guest);
update lines set customer_id = others.customer_id from lines as others
where others.row_number = lines.row_number - 997
    and lines.row_number in (select row_number from mistaken where not is_guest);
create table places as
select customer_id, row_number() over (order by md5(customer_id)) as place
from lines where customer_id is not null group by 1;
create table orders as
select order_id, max(place) as place,
    row_number() over (partition by max(place) order by md5(order_id)) as number
from lines left join places using (customer_id)
where order_id is not null and try_cast(ordered_at as date) < date '2025-12-01' group by order_id;
create table held as
select row_number from lines join orders using (order_id) where
    place % 5 = 0 and place <= 600 or place % 5 > 1 and place <= 600 and number <= 2
    or place is null and number <= 20
union
select max(row_number) from lines join orders using (order_id)
where place % 5 = 1 and place <= 600 group by order_id having count(*) > 1
union
-- A product that the build has not seen: the one that is sold least.
select row_number from lines where product_id = (
    select arg_min(product_id, n) from (
        select product_id, count(*) as n from lines
        where product_id in (select product_id from '{raw}/products.parquet') group by 1
    )
) and try_cast(ordered_at as date) <= date '2025-12-09';
create table late as
select row_number from lines where try_cast(ordered_at as date) > date '2025-12-10';
copy (select * exclude row_number from lines where row_number not in (from held union from late))
to '{base}/order_lines/part.parquet';
copy (select * exclude row_number from lines where row_number in (from late)) to '{later}';
copy (select * exclude row_number from lines where row_number in (from held)) to '{new}';
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A simulated shop: all its lines, most of them as the shop's files, the others to score."""
    folder = tmp_path_factory.mktemp("scored")
    generate(folder / "raw", customers=1_000, progress=False)
    (folder / "base/order_lines").mkdir(parents=True)
    shutil.copy(folder / "raw/products.parquet", folder / "base/products.parquet")
    for name in ("campaigns", "customers", "events", "reviews"):
        shutil.copytree(folder / f"raw/{name}", folder / f"base/{name}")
    places = {
        "raw": folder / "raw",
        "base": folder / "base",
        "new": folder / "new.parquet",
        "later": folder / "later.parquet",
    }
    with duckdb.connect() as connection:
        connection.execute(SPLIT.format(**places))
    return SimpleNamespace(**places, folder=folder)


@pytest.fixture(scope="module")
def built(data, built_once):
    """The build of the shop's files."""
    return built_once("scored", "--source", "generated", "--data", data.base, *NO_TESTS)


@pytest.fixture(scope="module")
def build_with(built, new_warehouse, data):
    """Return a function: the same warehouse, its customers built again with more lines."""

    def build(name, lines):
        folder = data.folder / name
        shutil.copytree(data.base, folder)
        shutil.copy(lines, folder / "order_lines/new.parquet")
        warehouse = new_warehouse(name)
        shutil.copy(built.database, warehouse.database)
        settings = load_source("generated", PROJECT / "sources") | {"data": str(folder)}
        said = json.dumps(settings, default=str)
        warehouse.dbt("run", "--vars", said, "--select", *SCORED)
        assert warehouse.exit_code == 0, warehouse.output[-3000:]
        return warehouse

    return build


FEATURES = "select * exclude as_of_date from marts.fct_customer_features"
RFM = "select customer_id, r_score, f_score, m_score, rfm_group from marts.fct_customer_rfm"
SEGMENTS = """
select customer_id, segmentation, segment_key, distance, confidence, is_noise
from marts.fct_segment_memberships where is_current and segmentation <> 'rfm'
"""
VALUES = "select * exclude as_of_date from marts.fct_customer_values"
PRODUCTS = "select * from marts.fct_product_recommendations"


def scored_frames(scores):
    """Return the answers as the marts that they are about, by the query of each."""

    def frame(query, rows):
        return query, pd.DataFrame(rows)

    def listed(name):
        return [{"customer_id": c["customer_id"]} | row for c in scores for row in c[name]]

    def single(name):
        return [{"customer_id": c["customer_id"]} | c[name] for c in scores if c[name]]

    segments = [
        {"customer_id": c["customer_id"]} | row for c in scores for row in c["segments"].values()
    ]
    return [
        frame(FEATURES, single("features")),
        frame(RFM, single("rfm")),
        (SEGMENTS, pd.DataFrame(segments).drop(columns="segment_name")),
        frame(VALUES, listed("values")),
        frame(PRODUCTS, listed("next_products")),
    ]


def same(found, expected, customers):
    """Compare two frames row by row: texts and days exactly, numbers to the ninth digit."""
    expected = expected[expected["customer_id"].isin(customers)]
    assert set(found.columns) == set(expected.columns)
    keys = ["customer_id", *{"horizon_days", "rank", "segmentation"} & set(found.columns)]
    frames = [
        frame[sorted(frame.columns)].sort_values(keys, ignore_index=True)
        for frame in (found, expected)
    ]
    assert len(frames[0]) == len(frames[1]) > 0
    for name in sorted(found.columns):
        left, right = frames[0][name], frames[1][name]
        if pd.api.types.is_numeric_dtype(right) or pd.api.types.is_bool_dtype(right):
            left, right = left.astype(float), right.astype(float)
            np.testing.assert_allclose(left, right, rtol=1e-9, atol=1e-9, err_msg=name)
        elif name.endswith("_date") or "_date_" in name:
            days = [pd.to_datetime(side).dt.strftime("%Y-%m-%d") for side in (left, right)]
            pd.testing.assert_series_equal(*days, check_dtype=False, obj=name)
        else:
            pd.testing.assert_series_equal(
                left.astype(object).where(left.notna(), None),
                right.astype(object).where(right.notna(), None),
                check_dtype=False,
                obj=name,
            )
    return len(set(frames[0]["customer_id"]))


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_scores_of_500_customers_are_what_a_build_says(data, built, build_with):
    before = digest(built.database)
    scores = clientele.score(data.new, warehouse=built.database)
    assert digest(built.database) == before
    assert len(scores.customers) >= 500
    known = [row["is_known"] for row in scores.customers]
    assert 100 < known.count(False) < 400
    assert [note for note in scores.notes if "name no customer" in note]
    whole = build_with("whole", data.new)
    ids = {row["customer_id"] for row in scores.customers}
    compared = [
        same(found, whole.frame(query), ids) for query, found in scored_frames(scores.customers)
    ]
    assert min(compared) > 450
    changed = [row for row in scores.customers if row["changed"]]
    assert len(changed) > 150
    published = dict(built.query("select customer_id, rfm_group from marts.dim_customers"))
    for row in scores.customers:
        assert row["before"]["rfm_group"] == published.get(row["customer_id"])
        assert ("rfm_group" in row["changed"]) == (
            row["before"]["rfm_group"] != (row["rfm"] or {}).get("rfm_group")
        )
    assert sum(row["rejected_lines"].get("duplicate", 0) for row in scores.customers) > 0


def test_lines_after_the_as_of_date_move_it_for_all_customers(data, built, build_with):
    before = built.query("select max(as_of_date) from marts.fct_customer_rfm")[0][0]
    scores = clientele.score(data.later, warehouse=built.database)
    assert str(before) == "2025-12-10" and str(scores.as_of_date) == "2025-12-31"
    assert len(scores.customers) > 50
    then = build_with("then", data.later)
    ids = {row["customer_id"] for row in scores.customers}
    # The fits are of the earlier day, and dbt reads their calendar as if it were of this one.
    for query, found in scored_frames(scores.customers)[:3]:
        same(found, then.frame(query), ids)
    on_the_day = clientele.score(data.later, warehouse=built.database, as_of="2025-12-10")
    assert str(on_the_day.as_of_date) == "2025-12-10"
    assert [row["changed"] for row in on_the_day.customers] == [[]] * len(ids)
    assert "after_as_of_date" in on_the_day.customers[0]["rejected_lines"]


def a_line(built, **changes):
    customer = built.query("select min(customer_id) from marts.dim_customers where has_bought")
    product = built.query("select min(product_id) from marts.dim_products")
    return {
        "order_id": "N1", "customer_id": customer[0][0], "product_id": product[0][0],
        "ordered_at": "2025-12-09 10:15:00", "quantity": 2, "unit_price": 9.5,
        "discount_amount": 0, "channel": "web", "country": "GB", "currency": "GBP",
        "promotion_id": None,
    } | changes  # fmt: skip


def test_every_format_gives_the_same_scores(built, tmp_path):
    lines = [a_line(built), a_line(built, order_id="N2", quantity=1, customer_id="a new one")]
    expected = clientele.score(lines, warehouse=built.database).customers
    frame = pd.DataFrame(lines)
    frame.to_csv(tmp_path / "lines.csv", index=False)
    frame.to_parquet(tmp_path / "lines.parquet")
    frame.to_json(tmp_path / "lines.jsonl", orient="records", lines=True)
    assert [row["customer_id"] for row in expected] == sorted(frame["customer_id"])
    for name in ("lines.csv", "lines.parquet", "lines.jsonl"):
        assert clientele.score(tmp_path / name, warehouse=built.database).customers == expected


def test_the_command_reads_standard_input_and_writes_json_lines_or_csv(built, monkeypatch, capsys):
    lines = [a_line(built), a_line(built, order_id="N2", customer_id=None)]
    expected = clientele.score(lines, warehouse=built.database).customers
    text = pd.DataFrame(lines).to_csv(index=False)
    monkeypatch.setenv("CLIENTELE_DB", str(built.database))
    monkeypatch.chdir(PROJECT)

    def said(*arguments):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        assert main(["score", *arguments]) == 0
        printed = capsys.readouterr()
        assert printed.err == "clientele: 1 line names no customer and cannot be scored.\n"
        return printed.out

    written = json.loads(json.dumps(expected, default=str))
    assert [json.loads(line) for line in said("-").splitlines()] == written
    (row,) = csv.DictReader(io.StringIO(said("--format", "csv")))
    (answer,) = written
    assert row["customer_id"] == answer["customer_id"]
    assert row["rfm_group"] == answer["rfm"]["rfm_group"]
    assert row["rfm_group_before"] == answer["before"]["rfm_group"]
    assert float(row["clv_90"]) == answer["values"][1]["clv"]
    assert row["next_product_1"] == answer["next_products"][0]["product_id"]
    monkeypatch.setenv("CLIENTELE_DB", "none.duckdb")
    assert main(["score", "-"]) == 2 and "no warehouse at" in capsys.readouterr().err


def test_text_files_are_imported_as_the_source_is(data, built, new_warehouse):
    folder = data.folder / "text"
    folder.mkdir()
    sent_again = f"""
        select * from '{data.base}/order_lines/*.parquet' where order_id in (
            select order_id from '{data.base}/order_lines/*.parquet'
            where order_id is not null and try_cast(ordered_at as date) < date '2025-12-01'
            group by order_id having count(customer_id) = count(*) and count(*) > 1
        ) order by order_id limit 200
    """
    with duckdb.connect() as connection:
        for name, lines in {
            "order_lines": f"from '{data.base}/order_lines/*.parquet'",
            "again": sent_again,
        }.items():
            connection.execute(f"copy ({lines}) to '{folder / name}.csv' (delimiter ';')")
    settings = load_source("generated", PROJECT / "sources")
    tables = settings["source"]["tables"]
    tables["order_lines"]["path"] = str(folder / "order_lines.csv")
    tables["products"]["path"] = str(data.base / "products.parquet")
    for name in ("campaigns", "customers", "events", "reviews"):
        tables[name]["path"] = str(data.base / f"{name}/*.parquet")
    warehouse = new_warehouse("text")
    warehouse.dbt("build", "--vars", json.dumps(settings, default=str), *NO_TESTS)
    assert warehouse.exit_code == 0, warehouse.output[-3000:]
    # Lines that are sent again change nothing, whole orders or parts of them.
    scores = clientele.score(folder / "again.csv", warehouse=warehouse.database)
    assert len(scores.customers) > 10
    published = dict(
        warehouse.query("select customer_id, monetary from marts.fct_customer_features")
    )
    for row in scores.customers:
        assert row["changed"] == []
        assert row["features"]["monetary"] == float(published[row["customer_id"]])
    assert sum(row["rejected_lines"].get("duplicate", 0) for row in scores.customers) >= 200
    # A decision about numbers and ids that is made for text gives what typed values give.
    line = a_line(built)
    (row,) = clientele.score([line], warehouse=warehouse.database).customers
    assert row["features"]["monetary"] == float(published[row["customer_id"]]) + 19
    # Ids that differ in case are one person, as in a build.
    other = line | {"customer_id": line["customer_id"].lower()}
    assert other != line
    assert clientele.score([other], warehouse=warehouse.database).customers == [row]
    assert clientele.score([other], warehouse=built.database).customers == (
        clientele.score([line], warehouse=built.database).customers
    )


def test_an_order_number_of_another_customer_is_an_order_of_its_own(built):
    ((known,),) = built.query(
        "select min(order_id) from marts.fct_orders "
        "where is_purchase and customer_id is not null and order_id not like '% / %'"
    )
    line = a_line(built, order_id="N1", customer_id="a new one")
    alone = clientele.score([line], warehouse=built.database).customers
    for first in ([], [a_line(built, order_id="N1")]):
        number = "N1" if first else known
        lines = [*first, line | {"order_id": number}]
        found = clientele.score(lines, warehouse=built.database).customers
        assert [row["customer_id"] for row in found][-1] == "a new one"
        assert found[-1]["features"] == alone[0]["features"]


def test_a_line_that_the_warehouse_has_counts_once(sample):
    names = "order_id, customer_id, product_id, ordered_at, quantity, unit_price, discount_amount, "
    names += "channel, country, currency, promotion_id"
    frame = sample.frame(
        f"""
        select {names} from raw.sample_order_lines where order_id in (
            select min(order_id) from marts.fct_orders where is_purchase and customer_id is not null
        )
        """
    )
    lines = frame.astype(object).where(frame.notna(), None).to_dict("records")
    (row,) = clientele.score(lines, warehouse=sample.database).customers
    assert row["rejected_lines"]["duplicate"] >= len(lines) and row["changed"] == []
    (published,) = sample.query(
        f"select frequency, monetary from marts.fct_customer_features "
        f"where customer_id = '{row['customer_id']}'"
    )
    assert row["features"]["frequency"] == published[0]
    assert row["features"]["monetary"] == float(published[1])


def test_a_second_account_is_scored_as_its_person(sample):
    (account, person), *_ = sample.query(
        "select record_id, person_key from marts.rpt_identity_merges "
        "inner join marts.dim_customers on person_key = customer_id "
        "where decision = 'merged' order by record_id"
    )
    line = {
        "order_id": "N9", "customer_id": account, "product_id": "P1", "quantity": 1,
        "ordered_at": "2025-12-20 10:00:00", "unit_price": 19, "currency": "GBP",
    }  # fmt: skip
    known = dict.fromkeys(["discount_amount", "channel", "country", "promotion_id"])
    (row,) = clientele.score([line | known], warehouse=sample.database).customers
    (before,) = sample.query(
        f"select frequency from marts.fct_customer_features where customer_id = '{person}'"
    )
    assert row["customer_id"] == person and row["is_known"]
    assert row["features"]["frequency"] == before[0] + 1


def test_a_customer_who_is_new_has_no_before(built):
    (row,) = clientele.score(
        [a_line(built, customer_id="a new one")], warehouse=built.database
    ).customers
    assert row["is_known"] is False and row["before"]["rfm_group"] is None
    assert row["features"]["frequency"] == 1 and row["features"]["monetary"] == 19.0
    assert {"rfm_group", "segment_key"} <= set(row["changed"])
    assert [value["horizon_days"] for value in row["values"]] == [30, 90, 180, 365]


def test_guests_and_rejected_lines_are_told(built):
    lines = [a_line(built, customer_id=None), a_line(built, order_id="N2", quantity=0)]
    scores = clientele.score(lines, warehouse=built.database)
    assert scores.notes == ["1 line names no customer and cannot be scored."]
    (row,) = scores.customers
    assert row["rejected_lines"] == {"invalid_quantity": 1} and row["changed"] == []
    assert clientele.score(lines[:1], warehouse=built.database).customers == []


def test_the_calendar_moves_with_the_as_of_date():
    factors = np.array([0.6, 0.7, 0.8, 0.9, 1, 1, 1.1, 1, 1, 1.2, 1.4, 1.3])
    start, then = (Calendar(day, factors, 500) for day in ("2025-12-20", "2026-01-03"))
    with duckdb.connect() as connection:
        expected = then.table()
        connection.register("kept", start.table())
        connection.execute(
            "create table seasons as select day_number, date_day::date as date_day, "
            "factor, season_days, reached_date::date as reached_date from kept"
        )
        connection.execute("create table seasons_then as from seasons limit 0")
        others.Calendar(connection, "seasons").fill(connection, "seasons_then", 14)
        found = connection.execute("from seasons_then order by day_number").df()
    assert found["day_number"].min() == -514
    both = found.merge(expected, on="day_number", suffixes=("", "_then"))
    assert len(both) > 3_652
    assert (both["date_day"] == both["date_day_then"]).all()
    assert (both["season_days"] - both["season_days_then"]).abs().max() <= 0.021
    reached = both[both["day_number"].between(0, 730)]
    late = (reached["reached_date"] - reached["reached_date_then"]).dt.days.abs()
    assert late.max() <= 1 and (late == 0).mean() > 0.95


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([{"order_id": "1"}], "no column 'customer_id'"),
        ("missing.csv", "no file at missing.csv"),
        ([1], "a list of dictionaries"),
    ],
)
def test_lines_that_cannot_be_read_are_refused(built, lines, said):
    with pytest.raises(ValueError, match=said):
        clientele.score(lines, warehouse=built.database)


def test_an_unreadable_file_is_refused(built, tmp_path):
    path = tmp_path / "lines.parquet"
    path.write_bytes(b"PAR1 and no more")
    with pytest.raises(ValueError, match="cannot be read as parquet"):
        clientele.score(path, warehouse=built.database)


def test_only_a_build_that_passed_is_scored_with(built, new_warehouse, tmp_path):
    with pytest.raises(ValueError, match="no warehouse at"):
        clientele.score([], warehouse=tmp_path / "none.duckdb")
    copy = new_warehouse("half")
    shutil.copy(built.database, copy.database)
    copy.dbt("run", "--select", "dim_dates")
    assert copy.exit_code == 0, copy.output
    with pytest.raises(ValueError, match="holds no build that passed"):
        clientele.score([a_line(built)], warehouse=copy.database)
    with pytest.raises(ValueError, match="cannot go back"):
        clientele.score([a_line(built)], warehouse=built.database, as_of="2024-01-01")
