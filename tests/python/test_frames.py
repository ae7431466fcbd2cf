from decimal import Decimal

import duckdb
import pandas as pd
import pytest

from clientele.frames import collect


class SparkFrame:
    """The two methods of a Spark data frame that are used."""

    def __init__(self, frame):
        self.frame = frame

    def count(self):
        return len(self.frame)

    def toPandas(self):
        return self.frame


@pytest.fixture
def connection():
    with duckdb.connect() as connection:
        yield connection


@pytest.fixture
def customers(connection):
    return connection.sql(
        "select * from (values ('c', 3, 0.5), ('a', 1, null), ('b', 2, 1.5)) "
        "as v (customer_id, frequency, share)"
    )


def test_rows_come_sorted_by_the_key_whatever_the_order_of_the_database(customers):
    frame = collect(customers, "customer_id")
    assert frame.index.tolist() == ["a", "b", "c"]
    assert frame.index.name == "customer_id"
    assert frame["frequency"].tolist() == [1, 2, 3]


def test_a_spark_frame_gives_what_a_duckdb_relation_gives(customers):
    spark = SparkFrame(customers.df())
    pd.testing.assert_frame_equal(collect(spark, "customer_id"), collect(customers, "customer_id"))


def test_several_columns_may_be_the_key(connection):
    lines = connection.sql(
        "select * from (values ('2', 'b', 1), ('1', 'z', 2), ('2', 'a', 3)) as v (basket, item, n)"
    )
    frame = collect(lines, ["basket", "item"])
    assert frame.index.tolist() == [("1", "z"), ("2", "a"), ("2", "b")]
    assert frame["n"].tolist() == [2, 3, 1]


def test_decimals_become_floats_on_both_engines(connection):
    duck = connection.sql("select 1 as id, cast(12.34 as decimal(18, 2)) as amount")
    spark = SparkFrame(
        pd.DataFrame({"id": [1, 2], "amount": pd.Series([None, Decimal("12.34")], dtype=object)})
    )
    assert collect(duck, "id")["amount"].tolist() == [12.34]
    amounts = collect(spark, "id")["amount"]
    assert amounts.dtype == "float64"
    assert amounts.isna().tolist() == [True, False]
    assert amounts[2] == 12.34


def test_texts_stay_texts():
    spark = SparkFrame(pd.DataFrame({"id": [1], "name": pd.Series(["7.5"], dtype=object)}))
    assert collect(spark, "id")["name"].tolist() == ["7.5"]


def test_an_empty_relation_gives_an_empty_frame_with_its_columns(connection):
    frame = collect(connection.sql("select 'a' as id, 1.5 as amount where false"), "id")
    assert frame.empty
    assert frame.index.name == "id"
    assert frame.columns.tolist() == ["amount"]


@pytest.mark.parametrize("engine", ["duckdb", "spark"])
def test_too_many_rows_are_refused_before_they_are_fetched(customers, engine):
    relation = customers
    if engine == "spark":
        relation = SparkFrame(customers.df())
        relation.toPandas = lambda: pytest.fail("fetched")
    assert len(collect(customers, "customer_id", max_rows=3)) == 3
    with pytest.raises(ValueError, match="3 rows are more than the 2 .* sample size"):
        collect(relation, "customer_id", max_rows=2)


def test_a_repeated_key_is_refused(connection):
    twice = connection.sql("select * from (values ('a', 1), ('a', 2)) as v (customer_id, n)")
    with pytest.raises(ValueError, match="key customer_id repeats in 1 rows"):
        collect(twice, "customer_id")
    assert len(collect(twice, ["customer_id", "n"])) == 2


def test_a_null_in_the_key_is_refused(connection):
    lines = connection.sql("select * from (values ('a', 1), (null, 2)) as v (basket, n)")
    with pytest.raises(ValueError, match="key basket, n is null in 1 rows"):
        collect(lines, ["basket", "n"])
