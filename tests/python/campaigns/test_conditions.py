"""Conditions: what is allowed is written again, and nothing else reaches a database."""

import duckdb
import pytest

from clientele.campaigns.conditions import Checker, Refused

COLUMNS = {
    "order_count": "int",
    "rfm_group": "string",
    "segment_name": "string",
    "clv": "double",
    "last_order_date": "date",
    "has_bought": "boolean",
    "customer_net_amount": "decimal(18, 4)",
}
ROWS = """
    select * from (values
        (1, 'a', 'It''s', 2.5, date '2024-01-31', true, 10.00),
        (2, 'b', null, 0.0, date '2024-02-01', false, 20.00),
        (0, null, 'x', null, null, null, null)
    ) as t(order_count, rfm_group, segment_name, clv, last_order_date, has_bought,
           customer_net_amount)
"""


@pytest.fixture(scope="module")
def checker():
    checker = Checker(COLUMNS)
    yield checker
    checker.close()


@pytest.mark.parametrize(
    "condition",
    [
        "order_count > 1 and rfm_group in ('a', 'b')",
        "ORDER_COUNT > -1 or not has_bought",
        "segment_name = 'It''s'",
        "rfm_group not in ('a') and segment_name is null",
        "rfm_group like 'a%' or segment_name not ilike 'X'",
        "clv between 1 and 3 and clv not between 5 and 6",
        "last_order_date >= date '2024-02-01'",
        "last_order_date >= '2024-02-01'",
        "has_bought is true",
        "has_bought is not false",
        "has_bought",
        "coalesce(clv, 0) = 0",
        "rfm_group is distinct from 'a'",
        "case when has_bought then clv > 1 end",
        "case order_count when 1 then true else false end",
        "order_count % 2 = 1 and -clv < 3 and order_count * 2 + 1 - 1 > 0",
        "lower(rfm_group) = 'a' and length(segment_name) > 1",
        "greatest(order_count, 2) = 2 and abs(clv) >= 0",
        "customer_net_amount > 1_0",
        "true",
        "null",
    ],
)
def test_what_is_written_again_means_the_same(checker, condition):
    if condition == "null":
        with pytest.raises(Refused, match="true or false"):
            checker.condition(condition)
        return
    with duckdb.connect() as connection:
        written, original = (
            connection.execute(f"select ({sql}) from ({ROWS})").fetchall()
            for sql in (checker.condition(condition), condition)
        )
    assert written == original


def test_a_division_by_nought_is_unknown_on_both_engines(checker):
    sql = checker.condition("clv / order_count > 1 or order_count % 0 = 1")
    assert sql.count("nullif(") == 2


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        # more than a condition
        ("1 = 1; drop table customers", "does not read as SQL"),
        ("true); drop table customers; select (true", "does not read as SQL"),
        ("true); select (true", "several statements"),
        ("true) from dim_customers where (true", "more than a condition"),
        ("true) where (true", "more than a condition"),
        ("true) union select (true", "more than a condition"),
        ("true) order by (1", "the order belongs into `order_by`"),
        ("true) limit (1", "the order belongs into `order_by`"),
        ("true) as x, (true", "one condition"),
        ("true, false", "one condition"),
        ("(select true)", "a subquery is not allowed"),
        ("order_count in (select 1)", "a subquery is not allowed"),
        ("exists (select 1 from customers)", "a subquery is not allowed"),
        ("true -- and more", "comments are not allowed"),
        ("true /* and more */", "comments are not allowed"),
        ("rfm_group = '--' and /*'*/ true", "comments are not allowed"),
        # functions that read something else
        ("read_text('/etc/passwd') = 'x'", "the function `read_text` is not allowed"),
        ("getenv('HOME') = 'x'", "the function `getenv` is not allowed"),
        ("current_setting('threads') = 'x'", "the function `current_setting` is not allowed"),
        ("clv > random()", "the function `random` is not allowed"),
        ("main.lower(rfm_group) = 'a'", "`lower` is not allowed like this"),
        ("count(*) > 1", "is not allowed"),
        ("sum(clv) over () > 1", "a window function is not allowed"),
        ("last_order_date > current_date", "no column 'current_date'"),
        ("rfm_group similar to 'a.*'", "is not allowed"),
        ("clv::varchar = 'x'", "a cast to varchar is not allowed"),
        ("rfm_group = $1", "a parameter is not allowed"),
        ("[1][1] = 1", "is not allowed"),
        ("rfm_group collate nocase = 'a'", "collate is not allowed"),
        ("last_order_date > date '2024-01-01' + interval 3 day", "is not allowed"),
        ("rfm_group = 'a\\'", "has a backslash"),
        # columns and types
        ("order_cuont > 1", "no column 'order_cuont'; did you mean order_count"),
        ("customers.order_count > 1", "no column 'customers.order_count'"),
        ("order_count", "must be true or false"),
        ("order_count = 'many'", "number and text do not compare .order_count is int."),
        ("rfm_group > 3", "number and text do not compare .rfm_group is string."),
        ("rfm_group in ('a', 3)", "number and text do not compare"),
        ("order_count between 1 and 'x'", "number and text do not compare"),
        ("has_bought = 1", "number and true or false do not compare"),
        ("order_count = rfm_group", "number and text do not compare"),
        ("last_order_date = '2024-13-45'", "'2024-13-45' is no date"),
        ("last_order_date > 2024-01-01", "types do not fit"),
        ("lower(order_count) = 'a'", "types do not fit"),
        ("order_count >", "does not read as SQL"),
        ("order_count > 3)", "does not read as SQL"),
    ],
)
def test_what_is_not_allowed_is_refused_with_the_remedy(checker, condition, message):
    with pytest.raises(Refused, match=message):
        checker.condition(condition)


@pytest.mark.parametrize(
    ("order", "written"),
    [
        ("clv desc, order_count", "clv desc nulls last, order_count asc nulls last"),
        ("CLV nulls first", "clv asc nulls last"),
        ("clv * order_count desc", "(clv * cast(order_count as double)) desc nulls last"),
    ],
)
def test_an_order_puts_the_unknown_last(checker, order, written):
    assert checker.order(order) == written


@pytest.mark.parametrize(
    ("order", "message"),
    [
        ("1", "orders by a constant"),
        ("clv limit 3", "must be columns"),
        ("clv; select 1", "several statements"),
        ("random()", "`random` is not allowed"),
        ("(select 1)", "a subquery"),
        ("clb", "did you mean clv"),
        ("clv -- x", "comments"),
    ],
)
def test_an_order_is_checked_as_a_condition_is(checker, order, message):
    with pytest.raises(Refused, match=message):
        checker.order(order)


def test_texts_are_written_as_the_engine_reads_them():
    checker = Checker(COLUMNS, engine="spark")
    assert checker.condition("segment_name = 'It''s'") == "(segment_name = 'It\\'s')"
    checker.close()
