"""The simulator repeats itself to the byte, and plants what it says."""

import filecmp
import json

import duckdb
import numpy as np
import pytest
from conftest import PROJECT

from clientele.simulation import dirt, files, generating
from clientele.simulation.shop import ELASTICITY, PROMOTION_DISCOUNT, SEGMENTS

TABLES = ["order_lines", "products", "campaigns", "customers", "events", "reviews"]
FILES = [f"seeds/sample/sample_{name}.csv" for name in TABLES]
TRUTHS = [
    f"tests/python/sample_truth/{name}"
    for name in ("truth.json", "customers.csv", "events.json", "reviews.csv")
]


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A shop of 20,000 customers, in three chunks, and its truth."""
    folder = tmp_path_factory.mktemp("shop") / "made"
    truth = generating.generate(folder, customers=20_000, chunk_customers=8_000, progress=False)
    return folder, truth


@pytest.fixture(scope="module")
def query(shop):
    """Return a function that queries the shop's files."""
    folder, _ = shop
    connection = duckdb.connect()
    connection.execute(f"create view lines as from '{folder}/order_lines/*.parquet'")
    connection.execute(f"create view products as from '{folder}/products.parquet'")
    connection.execute(f"create view people as from '{folder}/truth/customers/*.parquet'")
    connection.execute(f"create view campaigns as from '{folder}/campaigns/*.parquet'")
    # What cleaning would leave, said in other words than the project's.
    connection.execute(
        """
        create table sales as
        select distinct * from lines
        where order_id like 'O%' and product_id like 'P%' and product_id <> 'POST'
            and quantity between 1 and 9999 and unit_price > 0 and ordered_at < '2026-01-01'
            and currency = 'GBP'
        """
    )
    return lambda sql: connection.execute(sql).fetchall()


def test_the_committed_sample_is_what_the_simulator_makes(tmp_path):
    project = tmp_path
    (project / "seeds/sample").mkdir(parents=True)
    generating.write_sample(project)
    differing = filecmp.cmpfiles(PROJECT, project, FILES + TRUTHS, shallow=False)
    assert differing[0] == FILES + TRUTHS


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(tmp_path):
    for name, seed in [("a", 5), ("b", 5), ("c", 6)]:
        generating.generate(tmp_path / name, customers=300, seed=seed, progress=False)
    names = [str(path.relative_to(tmp_path / "a")) for path in (tmp_path / "a").rglob("*.*")]
    same, _, errors = filecmp.cmpfiles(tmp_path / "a", tmp_path / "b", names, shallow=False)
    assert sorted(same) == sorted(names) and len(names) == 12 and not errors
    _, differing, _ = filecmp.cmpfiles(tmp_path / "a", tmp_path / "c", names, shallow=False)
    assert "order_lines/part-00000.parquet" in differing


def test_a_chunk_does_not_depend_on_those_after_it(shop, tmp_path):
    folder, _ = shop
    generating.generate(tmp_path / "first", customers=8_000, chunk_customers=8_000, progress=False)
    part = "order_lines/part-00000.parquet"
    assert filecmp.cmp(folder / part, tmp_path / "first" / part, shallow=False)


def test_the_truth_counts_every_line(shop, query):
    _, truth = shop
    assert sum(truth["rows"].values()) == query("select count(*) from lines")[0][0]
    assert truth["rows"].keys() == {*dirt.DIRT, "reversed_purchase"}
    without = query("select count(*) from lines where product_id is null")[0][0]
    assert without == truth["lines_without_product"] > 0
    count = {
        "missing_order_id": "order_id is null",
        "invalid_timestamp": "ordered_at is null",
        "invalid_quantity": "quantity is null or quantity = 0",
        "invalid_price": "unit_price is null",
        "future_date": "ordered_at >= '2026-01-01'",
        "unknown_currency": "currency <> 'GBP'",
        "test_row": "product_id like 'TEST%'",
        "adjustment": "order_id like 'A%'",
        "non_product": "product_id in ('POST', 'DOT', 'M', 'BANK CHARGES')",
        "negative_price": "unit_price < 0 and order_id not like 'A%'",
        "zero_price": "unit_price = 0",
        "reversed_purchase": "abs(quantity) >= 10000",
    }
    found = {
        why: query(f"select count(*) from lines where {sql}")[0][0] for why, sql in count.items()
    }
    found["duplicate"] = query(
        "select count(*) - (select count(*) from (select distinct * from lines)) from lines"
    )[0][0]
    assert found == {why: n for why, n in truth["rows"].items() if why != "accepted"}


def test_order_keys_are_unique_across_chunks(query):
    shared = query(
        """
        select count(*) from (
            select order_id from lines where order_id is not null
            group by order_id having count(distinct customer_id) > 1
        )
        """
    )
    assert shared == [(0,)]


def test_formats_hold_the_same(tmp_path):
    rows = {}
    for name in files.FORMATS:
        generating.generate(tmp_path / name, customers=200, file_format=name, progress=False)
        reader = {
            "parquet": "read_parquet('{}')",
            "jsonl": "read_json('{}')",
            "csv": "read_csv('{}', all_varchar = true)",
        }[name].format(tmp_path / name / "order_lines/*")
        rows[name] = duckdb.execute(
            f"""
            select order_id, customer_id, product_id,
                try_cast(nullif(ordered_at::text, '') as timestamp),
                quantity::int, unit_price::decimal(18, 2), discount_amount::decimal(18, 2), channel,
                country, currency, promotion_id
            from {reader} order by all
            """
        ).fetchall()
    assert rows["parquet"] == rows["jsonl"] == rows["csv"] and len(rows["csv"]) > 1_000


def test_segments_have_their_shares(query):
    shares = dict(query("select segment, count(*) / 20000 from people group by 1"))
    for name, segment in SEGMENTS.items():
        assert shares[name] == pytest.approx(segment["share"], abs=0.012)


@pytest.mark.parametrize("segment", SEGMENTS)
def test_rates_and_dropouts_have_the_planted_means(query, segment):
    planted = SEGMENTS[segment]
    rate, dropout, count = query(
        f"""
        select avg(purchase_rate), avg(dropout_probability), count(*)
        from people where segment = '{segment}'
        """
    )[0]
    a, b, mean = planted["a"], planted["b"], planted["r"] / planted["alpha"]
    assert rate == pytest.approx(mean, abs=4 * mean / np.sqrt(planted["r"] * count))
    spread = np.sqrt(a * b / (a + b + 1)) / (a + b)
    assert dropout == pytest.approx(a / (a + b), abs=4 * spread / np.sqrt(count))


def test_demand_answers_price_with_the_planted_elasticity(query):
    """Mean quantities with and without a promotion of 20%, of the same products, families only."""
    usual, promoted = query(
        """
        select
            avg(quantity) filter (promotion_id is null),
            avg(quantity) filter (promotion_id like 'W%')
        from sales join people using (customer_id) where segment = 'families'
        """
    )[0]
    elasticity = np.log(promoted / usual) / np.log(1 - PROMOTION_DISCOUNT)
    assert elasticity == pytest.approx(ELASTICITY, abs=0.1)


@pytest.fixture(scope="module")
def lifts(query):
    """Return a function from a condition on people to the lift of each pair of products."""

    def measure(who):
        pairs = query(
            f"""
            with items as (
                select distinct order_id, product_id
                from sales join people using (customer_id) where {who}
            ),
            counts as (select product_id, count(*) as n from items group by 1),
            total as (select count(distinct order_id) as n from items)
            select
                a.product_id,
                b.product_id,
                count(*) * any_value(total.n) / any_value(x.n) / any_value(y.n)
            from items a
            join items b using (order_id)
            join counts x on x.product_id = a.product_id
            join counts y on y.product_id = b.product_id
            cross join total
            where a.product_id <> b.product_id
            group by 1, 2
            """
        )
        return {(left, right): lift for left, right, lift in pairs}

    return measure


def test_bundles_are_bought_together(shop, lifts):
    bundles = shop[1]["bundles"]
    found = lifts("true")
    planted = [(bundle[0], partner) for bundle in bundles for partner in bundle[1:]]
    assert len(planted) == 10 and min(found[pair] for pair in planted) > 4


def test_other_pairs_are_independent_within_a_segment(lifts):
    """P0, P8 and P16 are the most popular groceries, and only P0 is in a bundle."""
    found = lifts("segment = 'families'")
    for pair in [("P0", "P8"), ("P0", "P16"), ("P8", "P16"), ("P8", "P9")]:
        assert found[pair] == pytest.approx(1, abs=0.25)


def test_the_campaign_moves_the_treated_by_the_planted_uplift(query):
    treated, held_out = query(
        """
        with bought as (
            select distinct customer_id from sales
            where ordered_at >= '2025-03-03' and ordered_at < '2025-03-17'
        )
        select
            avg((bought.customer_id is not null)::int) filter (people.is_treated),
            avg((bought.customer_id is not null)::int) filter (not people.is_treated)
        from people left join bought using (customer_id)
        where is_targeted and is_alive_at_campaign
        """
    )[0]
    # An extra order is added to orders that there would have been anyway.
    assert treated - held_out == pytest.approx(0.10 * (1 - held_out), abs=0.03)
    assert query(
        "select count(*), count_if(arm = 'treated') from campaigns "
        "where campaign_id = 'spring-2025'"
    ) == query("select count_if(is_targeted), count_if(is_treated) from people")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"customers": 0}, "customers=0: choose 1 to"),
        ({"products": 3}, "products=3: choose 16 to"),
        ({"file_format": "xlsx"}, "file_format='xlsx': choose one of parquet, jsonl, csv"),
        ({"campaign_uplift": 2}, "a probability"),
    ],
)
def test_wrong_arguments_are_refused(tmp_path, change, message):
    with pytest.raises(ValueError, match=message):
        generating.generate(tmp_path / "made", **{"customers": 10, **change})
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_use_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ValueError, match="is not empty"):
        generating.generate(tmp_path, customers=10)
    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]


def test_one_customer_is_enough(tmp_path):
    truth = generating.generate(tmp_path / "made", customers=1, progress=False)
    assert json.loads((tmp_path / "made/truth/truth.json").read_text()) == truth
