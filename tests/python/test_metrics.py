"""Every metric, asked of MetricFlow by several groupings, against plain SQL over the marts."""

import csv
import json
import re
import shlex
from decimal import Decimal

import pytest
import yaml
from conftest import PROJECT
from jinja2 import Template

QUERIES = PROJECT / "tests/python/metric_queries.py"
PAGE = (PROJECT / "docs/semantic_layer.md").read_text()
DEFINED = yaml.safe_load((PROJECT / "models/marts/_metrics.yml").read_text())["metrics"]
SEMANTIC = yaml.safe_load((PROJECT / "models/marts/_semantic_models.yml").read_text())

CUSTOMERS = "marts.dim_customers as c left join marts.dim_segments as s using (segment_key)"
ORDERS = (
    "marts.fct_orders as o left join marts.dim_customers as c using (customer_id) "
    "left join marts.dim_segments as s on c.segment_key = s.segment_key"
)
LINES = (
    "marts.fct_order_lines as l left join marts.dim_products as p using (product_id) "
    "left join marts.dim_customers as c on l.customer_id = c.customer_id "
    "left join marts.fct_orders as o on l.order_id = o.order_id"
)
VALUES = (
    "(from marts.fct_customer_values where horizon_days = 365) as v "
    "left join marts.dim_customers as c using (customer_id)"
)
# From orders and a calendar of its own, so that the mart of customers' months is tested too.
MONTHS = """
    (
        with purchases as (
            select distinct customer_id, date_trunc('month', order_date) as m
            from marts.fct_orders where is_purchase and customer_id is not null
        ),
        firsts as (select customer_id, min(m) as first_m from purchases group by customer_id)
        select
            f.customer_id, f.first_m, g.m,
            date_diff('month', f.first_m, g.m) as age,
            exists (from purchases p where p.customer_id = f.customer_id and p.m = g.m) as bought
        from firsts as f
        cross join (
            select unnest(generate_series(
                (select min(m) from purchases),
                (select as_of_date from intermediate.int_as_of_dates where is_current),
                interval 1 month
            )) as m
        ) as g
        where g.m > f.first_m
            and last_day(g.m)
                <= (select as_of_date from intermediate.int_as_of_dates where is_current)
    ) as m left join marts.dim_customers as c using (customer_id)
"""

OF_CUSTOMERS = {
    "customer__segment_name": "c.segment_name",
    "customer__acquisition_channel": "c.acquisition_channel",
    "customer__country,customer__lifecycle_stage": "c.acquisition_country, c.lifecycle_stage",
}
BY_CUSTOMER = {
    "": "",
    "customer__first_order_date__month": "date_trunc('month', c.first_order_date)",
    **OF_CUSTOMERS,
}
OF_ORDERS = {
    "order__channel,order__country": "o.channel, o.country",
    "customer__segment_name": "c.segment_name",
    "customer__segment__recommended_action": "s.recommended_action",
    "order__is_first_order": "o.is_first_order",
    "order__is_guest": "o.customer_id is null",
}
BY_ORDER = {
    "": "",
    "metric_time__month": "date_trunc('month', o.order_date)",
    "metric_time__day,order__channel": "o.order_date, o.channel",
    **OF_ORDERS,
}
BY_LINE = {
    "": "",
    "metric_time__quarter": "date_trunc('quarter', l.order_date)",
    "product__category": "p.category",
    "product__category,metric_time__month": "p.category, date_trunc('month', l.order_date)",
    "order__channel": "o.channel",
    "customer__rfm_group": "c.rfm_group",
    "order_line__is_promoted": "l.promotion_id is not null",
}
BY_VALUE = {
    "": "",
    "metric_time__day": "(select max(as_of_date) from marts.fct_customer_features)",
    "customer__clv_band": "c.clv_band",
    "customer_value__churn_risk": "v.churn_risk",
    **OF_CUSTOMERS,
}
BY_MONTH = {
    "": "",
    "metric_time__month": "m.m",
    "customer_month__cohort_month,customer_month__months_since_first": "m.first_m, m.age",
    **OF_CUSTOMERS,
}
KEPT = "c.order_count > 0"
KNOWN = "o.customer_id is not null"
# metric: (what to count, from what, of which rows, by what)
METRICS = {
    "customers": (
        "count(*)",
        CUSTOMERS,
        KEPT,
        BY_CUSTOMER
        | {
            "metric_time__quarter": "date_trunc('quarter', c.first_order_date)",
            "segment__recommended_action": "s.recommended_action",
        },
    ),
    "repeat_customers": ("count_if(c.order_count > 1)", CUSTOMERS, KEPT, BY_CUSTOMER),
    "repeat_rate": ("count_if(c.order_count > 1) / count(*)", CUSTOMERS, KEPT, BY_CUSTOMER),
    "active_customers": (
        "count(distinct case when o.is_purchase then o.customer_id end)",
        ORDERS,
        "true",
        BY_ORDER
        | {"metric_time__year,order__country": "date_trunc('year', o.order_date), o.country"},
    ),
    "orders": ("count_if(o.is_purchase)", ORDERS, "true", BY_ORDER),
    "revenue": ("sum(o.net_amount)", ORDERS, "true", BY_ORDER),
    "average_order_value": (
        "sum(o.net_amount) filter (where o.is_purchase) / nullif(count_if(o.is_purchase), 0)",
        ORDERS,
        "true",
        BY_ORDER,
    ),
    "repeat_orders": ("count_if(o.is_purchase and not o.is_first_order)", ORDERS, KNOWN, BY_ORDER),
    "repeat_order_share": (
        "count_if(o.is_purchase and not o.is_first_order) / nullif(count_if(o.is_purchase), 0)",
        ORDERS,
        KNOWN,
        BY_ORDER,
    ),
    "units": ("sum(case when l.is_return then 0 else l.quantity end)", LINES, "true", BY_LINE),
    "product_revenue": ("sum(l.line_net_amount)", LINES, "true", BY_LINE),
    "gross_sales": ("sum(l.line_gross_amount)", LINES, "true", BY_LINE),
    "discounts": ("sum(l.line_discount_amount)", LINES, "true", BY_LINE),
    "returns": ("sum(l.line_returned_amount)", LINES, "true", BY_LINE),
    "discount_share": (
        "sum(l.line_discount_amount) / nullif(sum(l.line_gross_amount), 0)",
        LINES,
        "true",
        BY_LINE,
    ),
    "return_share": (
        "sum(l.line_returned_amount) "
        "/ nullif(sum(l.line_gross_amount - l.line_discount_amount), 0)",
        LINES,
        "true",
        BY_LINE,
    ),
    "retainable_customers": ("count(*)", MONTHS, "true", BY_MONTH),
    "retained_customers": ("count_if(m.bought)", MONTHS, "true", BY_MONTH),
    "retention_rate": ("count_if(m.bought) / count(*)", MONTHS, "true", BY_MONTH),
    "clv": ("sum(v.clv)", VALUES, "true", BY_VALUE),
    "clv_per_customer": ("sum(v.clv) / count(*)", VALUES, "true", BY_VALUE),
    "expected_orders": ("sum(v.expected_orders)", VALUES, "true", BY_VALUE),
    "expected_churn_rate": ("sum(v.churn_probability) / count(*)", VALUES, "true", BY_VALUE),
    "churn_weighted_value": ("sum(v.clv * v.churn_probability)", VALUES, "true", BY_VALUE),
    "value_at_risk": ("sum(v.value_at_risk)", VALUES, "true", BY_VALUE),
}
# Those that look at other times than their own are written out.
OVER_TIME = {
    ("customers_to_date", "metric_time__month"): """
        select d.month_date, count(distinct c.customer_id)
        from (
            from marts.dim_dates select month_date, max(date_day) as last_day group by month_date
        ) as d
        join marts.dim_customers as c on c.first_order_date <= d.last_day
        group by d.month_date
    """,
    ("customers_to_date", ""): "select count(*) from marts.dim_customers where order_count > 0",
    ("revenue_growth", "metric_time__month"): """
        with monthly as (
            select date_trunc('month', order_date) as m, sum(net_amount)::double as revenue
            from marts.fct_orders group by m
        )
        select m, revenue / lag(revenue) over (order by m) - 1 from monthly
    """,
}


def plain_sql(metric, by):
    """Return the query that a metric's figures by these dimensions are held to."""
    if (metric, by) in OVER_TIME:
        return OVER_TIME[metric, by]
    measure, source, condition, groupings = METRICS[metric]
    columns = f"{groupings[by]}, {measure}" if by else measure
    return f"select {columns} from {source} where {condition} group by all"


CASES = [(metric, by) for metric, (*_, groupings) in METRICS.items() for by in groupings]
CASES += list(OVER_TIME)
EXAMPLES = re.findall(r"```console\n\$ mf (query(?:.*\\\n)*.*)\n((?:.*\n)*?)```", PAGE)


@pytest.fixture(scope="module")
def metricflow(sample_copy):
    """What MetricFlow answered: to the validation, to each case and to each example of the page."""
    commands = {"validation": ["validate-configs", "--show-all"]}
    for metric, by in CASES:
        grouping = ["--group-by", by] if by else []
        commands[metric, by] = ["query", "--metrics", metric, *grouping, "--quiet", "--csv"]
    for example, _ in EXAMPLES:
        commands[example] = [*shlex.split(example.replace("\\\n", " ")), "--quiet"]
    # The sample ends with a month; here the last one is open, as it is for most shops.
    sample_copy.dbt(
        "run", "-s", "int_as_of_dates", "dim_dates", "fct_customer_months", "--warn-error",
        "--vars", "{as_of_date: 2025-12-30}",
    )  # fmt: skip
    assert sample_copy.exit_code == 0, sample_copy.output
    asked, answered = sample_copy.folder / "commands.json", sample_copy.folder / "answers.json"
    asked.write_text(json.dumps(list(commands.values())))
    sample_copy.run(QUERIES, asked, answered)
    assert sample_copy.exit_code == 0, sample_copy.output[-5000:]
    return dict(zip(commands, json.loads(answered.read_text()), strict=True))


def as_text(key):
    """Return a key of a group as both sides write it: days without a time, nothing as empty."""
    return "" if key is None else re.sub(r"[T ]00:00:00$", "", str(key))


def test_every_metric_is_compared():
    assert {metric for metric, _ in CASES} == {metric["name"] for metric in DEFINED}
    assert len(CASES) > 100


def test_the_configuration_is_valid(metricflow):
    answer = metricflow["validation"]
    assert answer["exit_code"] == 0, answer["output"]
    found = re.findall(r"^. (WARNING|ERROR|FUTURE_ERROR): (.*)", answer["output"], re.M)
    # dbt 1.11 asks for the measure that MetricFlow would do without.
    allowed = "Cumulative metric 'customers_to_date' should not have both"
    assert [text for _, text in found if allowed not in text] == [], answer["output"]


@pytest.mark.parametrize(("metric", "by"), CASES)
def test_a_metric_is_what_plain_sql_over_the_marts_gives(metricflow, sample_copy, metric, by):
    answer = metricflow[metric, by]
    assert answer["exit_code"] == 0, answer["output"][-3000:]
    header, *rows = csv.reader(answer["csv"].splitlines())
    found = {tuple(map(as_text, keys)): figure for *keys, figure in rows}
    asked_for = [name for name in by.split(",") if name]
    # MetricFlow puts dimensions in its own order.
    order = [next(i for i, h in enumerate(header) if h.startswith(name)) for name in asked_for]
    found = {tuple(keys[i] for i in order): figure for keys, figure in found.items()}
    expected = {
        tuple(map(as_text, keys)): figure
        for *keys, figure in sample_copy.query(plain_sql(metric, by))
    }
    assert len(rows) == len(found) and found.keys() == expected.keys() and len(found) > 0
    for keys, figure in expected.items():
        if figure is None:
            assert found[keys] == "", keys
        elif isinstance(figure, float):
            assert float(found[keys]) == pytest.approx(figure, rel=1e-9), keys
        else:
            assert Decimal(found[keys]) == figure, keys


def test_revenue_by_product_is_revenue_in_all(metricflow):
    by_order, by_line = (
        Decimal(metricflow[metric, ""]["csv"].split()[1])
        for metric in ("revenue", "product_revenue")
    )
    assert by_order == by_line > 0


def test_the_page_names_every_metric_with_its_unit():
    rows = dict(re.findall(r"^\| `(\w+(?<!_))` \| ([^|]+?) \|", PAGE, re.M))
    assert rows == {
        metric["name"]: re.sub(r"\{\{.*\}\}", "money", metric["config"]["meta"]["unit"])
        for metric in DEFINED
    }


@pytest.mark.parametrize("currency", [{}, {"currency": None}, {"currency": ""}], ids=str)
def test_money_has_a_unit_where_the_source_names_no_currency(currency):
    units = [Template(metric["config"]["meta"]["unit"]) for metric in DEFINED]
    rendered = {unit.render(var=lambda _: currency) for unit in units}
    assert {unit for unit in rendered if re.search("money|None|^ *(per|$)", unit)} == {
        "money",
        "money per order",
        "money per customer",
    }


def test_the_page_names_every_dimension_and_date():
    named = re.findall(r"^\| `(\w+)__` \|(.*)\|(.*)\|$", PAGE, re.M)
    shown = {of: tuple(set(re.findall(r"`(\w+)`", cell)) for cell in cells) for of, *cells in named}
    defined = {}
    for model in SEMANTIC["semantic_models"]:
        primary = [e["name"] for e in model["entities"] if e["type"] == "primary"]
        dimensions = model["dimensions"]
        defined[model.get("primary_entity") or primary[0]] = tuple(
            {d["name"] for d in dimensions if (d["type"] == "time") is is_time}
            for is_time in (False, True)
        )
    assert shown == defined


def test_each_metric_of_one_horizon_names_it():
    """Tools show a description by itself: "the same days" would mean nothing there."""
    of_horizon = {
        measure["name"]
        for model in SEMANTIC["semantic_models"]
        for measure in model.get("measures", [])
        if "clv_band_horizon_days" in measure["expr"]
    }
    described = {m["name"]: m for m in DEFINED if m["type_params"].get("measure") in of_horizon}
    assert len(described) == len(of_horizon) > 0
    assert [
        n for n, m in described.items() if "`clv_band_horizon_days`" not in m["description"]
    ] == []


def test_the_page_has_examples():
    assert len(EXAMPLES) >= 5


@pytest.mark.parametrize(("example", "shown"), EXAMPLES)
def test_an_example_of_the_page_prints_what_the_page_shows(metricflow, example, shown):
    answer = metricflow[example]
    assert answer["exit_code"] == 0, answer["output"][-3000:]
    printed = [line.rstrip() for line in answer["output"].strip("\n").splitlines()]
    assert shown.strip("\n").splitlines() == printed
