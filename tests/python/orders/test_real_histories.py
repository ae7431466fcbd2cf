"""Real histories, built month by month or week by week, end in the tables of one whole build."""

import pytest
import yaml
from conftest import PROJECT
from histories import Orders, Round


def followed(orders, all_lines, boundaries):
    """Build what ``all_lines`` had before each boundary; return the digests of the tables.

    Of each period's lines one in fifty arrives a period late.
    """
    with orders.connection() as connection:
        connection.execute(f"create table lines as {all_lines}")
        shown = "select * from lines where ordered_at < timestamp '{}'"
        late = " and (ordered_at < timestamp '{}' or hash(order_id) % 50 <> 0)"
        before = "1900-01-01"
        for number, boundary in enumerate(boundaries):
            is_last = boundary == boundaries[-1]
            lines = shown.format(boundary) + ("" if is_last else late.format(before))
            state = Round("select * from lines" if is_last else lines, boundary)
            orders.build(connection, state, number=number)
            before = boundary
        continued = orders.digests(connection)
    with orders.connection() as connection:
        connection.execute(f"create table lines as {all_lines}")
        state = Round("select * from lines", boundaries[-1])
        orders.build(connection, state, number=0, continued=False)
        return continued, orders.digests(connection)


@pytest.fixture
def compiled(new_warehouse):
    """Return a function from a source and its data to what dbt compiled for them."""

    def compile_for(name, data):
        source = yaml.safe_load((PROJECT / f"sources/{name}.yml").read_text())["source"]
        return Orders.compiled(new_warehouse(name), source | {"data": str(data)})

    return compile_for


def test_online_retail_month_by_month(compiled, real_data):
    data = real_data("online_retail_ii/online_retail_ii.parquet")
    orders = compiled("online_retail", data)
    months = [f"{2010 + n // 12}-{1 + n % 12:02}-01" for n in range(25)]
    assert months[-1] == "2012-01-01"
    continued, whole = followed(orders, orders.staging["stg_order_lines"], months)
    assert continued == whole and whole["int_orders"][0][0] > 39_000


def test_the_complete_journey_week_by_week(compiled, real_data):
    data = real_data("complete_journey/transactions_sample.parquet").parent
    orders = compiled("complete_journey", data)
    weeks = [f"2017-{month:02}-{day:02}" for month in (10, 11) for day in (1, 8, 15, 22, 29)]
    continued, whole = followed(orders, orders.staging["stg_order_lines"], [*weeks, "2018-01-02"])
    assert continued == whole and whole["int_orders"][0][0] > 10_000
