"""Sequential rules, against counts made in pandas, and a planted sequence."""

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import PROJECT

VARS = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"]
WINDOW = VARS["sequences_window_days"]


@pytest.fixture(scope="module", params=["sample", "online_retail"])
def built(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def bought(built):
    """A row per known customer's order and product kept, and whether its days have passed."""
    rows = built.frame(
        """
        select distinct order_id, customer_id, product_id, order_date
        from marts.fct_order_lines
        where not is_return and customer_id is not null and line_net_amount > 0
        """
    )
    rows["order_date"] = pd.to_datetime(rows["order_date"])
    today = pd.Timestamp(
        built.query("select as_of_date from intermediate.int_as_of_dates where is_current")[0][0]
    )
    return rows.assign(passed=rows["order_date"] <= today - pd.Timedelta(days=WINDOW))


def followers(bought, orders):
    """Each of ``orders`` with each product that the customer bought within the days after it."""
    later = orders[["order_id", "customer_id", "order_date"]].merge(
        bought[["customer_id", "product_id", "order_date"]], on="customer_id", suffixes=("", "_of")
    )
    later["gap"] = (later["order_date_of"] - later["order_date"]).dt.days
    later = later[later["gap"].between(1, WINDOW)]
    return later.groupby(["order_id", "customer_id", "product_id"], as_index=False)["gap"].min()


def test_rules_are_those_that_pandas_counts(built, bought):
    """For a dozen antecedents: every count, and that no rule is missing."""
    orders = bought.drop_duplicates("order_id")
    passed = orders[orders["passed"]]
    share = bought.groupby("product_id").size() / len(orders)
    frequent = share[share >= VARS["sequences_min_support"]].index
    followed = followers(bought[bought["product_id"].isin(frequent)], passed)
    base = followed.groupby("product_id").size()
    rules = built.frame("from marts.fct_sequential_rules")
    rng = np.random.default_rng(5)
    found_count = 0
    for antecedent in rng.choice(sorted(frequent), size=12, replace=False):
        mine = bought[(bought["product_id"] == antecedent) & bought["passed"]]
        after = followed[followed["order_id"].isin(mine["order_id"])]
        witnesses = mine.groupby("customer_id").size()
        found = rules[rules["antecedent_product_id"] == antecedent]
        found = found.set_index("consequent_product_id")
        for consequent, cases in after.groupby("product_id"):
            confidence = len(cases) / len(mine)
            lift = confidence / (base[consequent] / len(passed))
            by_customer = cases.groupby("customer_id").size().reindex(witnesses.index).fillna(0)
            parts = by_customer / len(cases) - witnesses / len(mine)
            count = len(parts)
            error = np.sqrt(count / (count - 1) * (parts**2).sum()) if count > 1 else np.inf
            lower = lift * np.exp(-3.2905 * error)
            is_rule = (
                len(cases) >= VARS["sequences_min_orders"]
                and cases["customer_id"].nunique() >= VARS["sequences_min_customers"]
                and confidence >= VARS["sequences_min_confidence"]
                and lower > 1
            )
            assert is_rule == (consequent in found.index), (antecedent, consequent, lower)
            if is_rule:
                row = found.loc[consequent]
                assert row["antecedent_order_count"] == len(mine)
                assert row["order_count"] == len(cases)
                assert row["customer_count"] == cases["customer_id"].nunique()
                assert row["followed_up_count"] == len(passed)
                assert row["support"] == pytest.approx(len(cases) / len(passed))
                assert row["confidence"] == pytest.approx(confidence)
                assert row["lift"] == pytest.approx(lift)
                assert row["lift_lower"] == pytest.approx(lower)
                assert row["lift_upper"] == pytest.approx(lift * np.exp(3.2905 * error))
                assert row["median_gap_days"] == cases["gap"].quantile(0.5, interpolation="lower")
                assert row["is_repurchase"] == (antecedent == consequent)
                found_count += 1
    assert found_count > 10


def test_both_directions_tell_of_each_other(built):
    rules = built.frame("from marts.fct_sequential_rules where not is_repurchase")
    pairs = rules.merge(
        rules,
        left_on=["antecedent_product_id", "consequent_product_id"],
        right_on=["consequent_product_id", "antecedent_product_id"],
        suffixes=("", "_back"),
    )
    assert len(pairs) > 20
    assert pairs["reverse_order_count"].tolist() == pairs["order_count_back"].tolist()
    assert pairs["reverse_lift"].tolist() == pytest.approx(pairs["lift_back"].tolist())
    assert (pairs["is_stronger_direction"] == (pairs["lift"] > pairs["lift_back"])).all()


@pytest.fixture(scope="module")
def planted(new_warehouse, tmp_path_factory):
    """A shop whose customers buy filters two weeks after a machine, and the rest at random."""
    rng = np.random.default_rng(11)
    rows, number = [], 0
    for customer in range(400):
        start = pd.Timestamp("2024-01-01") + pd.Timedelta(days=int(rng.integers(0, 200)))
        basket = [(start, "machine")] if customer % 2 else []
        if customer % 2 and rng.random() < 0.6:
            basket.append((start + pd.Timedelta(days=int(rng.integers(12, 17))), "filters"))
        for _ in range(rng.integers(1, 9)):
            day = pd.Timestamp("2024-01-01") + pd.Timedelta(days=int(rng.integers(0, 360)))
            basket.append((day, f"other {rng.integers(0, 6)}"))
        for day, product in basket:
            number += 1
            rows.append((f"o{number}", f"c{customer}", product, day, 1, 2.5))
    columns = ["order_id", "customer_id", "product_id", "ordered_at", "quantity", "unit_price"]
    path = tmp_path_factory.mktemp("planted") / "lines.csv"
    pd.DataFrame(rows, columns=columns).to_csv(path, index=False)
    source = {
        "name": "planted",
        "timezone": "UTC",
        "currency": "GBP",
        "extract_date": "2025-01-01",
        "tables": {"order_lines": {"path": str(path), "columns": {name: name for name in columns}}},
    }
    warehouse = new_warehouse("planted").dbt(
        "build", "--select", "+fct_sequential_rules",
        "--exclude-resource-type", "test", "unit_test",
        "--vars", yaml.safe_dump({"source": source}),
    )  # fmt: skip
    assert warehouse.exit_code == 0, warehouse.output[-5000:]
    return warehouse.frame("from marts.fct_sequential_rules")


def test_a_planted_sequence_is_found_with_its_gap_and_direction(planted):
    rule = planted.set_index(["antecedent", "consequent"]).loc["machine", "filters"]
    assert rule["antecedent_order_count"] == 200
    assert rule["confidence"] == pytest.approx(0.6, abs=0.1)
    assert rule["lift"] > 4 and 12 <= rule["median_gap_days"] <= 16
    assert rule["is_stronger_direction"] and rule["reverse_order_count"] == 0


def test_what_is_bought_at_random_makes_no_rule(planted):
    """Of 36 pairs of the other products, each of which has enough orders to become one."""
    others = planted["antecedent"].str.startswith("other")
    others &= planted["consequent"].str.startswith("other")
    assert planted[others].empty
