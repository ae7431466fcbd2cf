"""What SQL computes from fitted parameters is what the package computes."""

import duckdb
import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from scores import KNOBS, MONEY, assert_scored_alike, histories_of, season_of

from clientele.value.fitting import LOADINGS, fit_clv
from clientele.value.scoring import expected_orders, score
from clientele.value.seasons import Calendar


@pytest.fixture(params=["sample", "online_retail"])
def warehouse(request):
    return request.getfixturevalue(request.param)


def test_sql_values_every_customer_as_python_does(warehouse):
    parameters = warehouse.frame("from ml.ml_clv__parameters")
    expected = score(histories_of(warehouse), parameters, **KNOBS, **season_of(warehouse))
    found = warehouse.frame("from marts.fct_customer_values")
    assert len(found) == len(expected) > 8000
    assert found["next_order_date_p50"].notna().mean() > 0.3 < found["clv_p90"].gt(0).mean()
    assert_scored_alike(found, expected, warehouse.frame("from ml.ml_clv__seasons"))


EDGES = pd.DataFrame(
    [
        ("new today", 0, 0, 0, None),
        ("one long ago", 0, 0, 5000, None),
        ("just bought", 4, 300, 300, 20.0),
        ("all in two days", 1, 1, 1, 1e6),
        ("huge x", 3000, 3100, 3100, 15.0),
        ("huge x, then silence", 3000, 3100, 4200, 15.0),
        ("free goods", 2, 20, 30, 0.0),
        ("cheap", 2, 20, 30, 1e-3),
    ],
    columns=["customer_id", "x", "t_x", "t", "order_value_mean"],
).set_index("customer_id")


@pytest.mark.parametrize("model", ["mbg_nbd", "bg_nbd"])
@pytest.mark.parametrize(
    "theta",
    [
        (0.5, 40.0, 0.8, 2.0),
        (2.0, 130.0, 0.3, 1.9),
        (0.2, 5.0, 1.0, 0.05),
        (5.0, 150.0, 1.0, 24.0),
        # The latest of the likely days of the next order is 1e79 days away.
        (0.05, 5.0, 1.0, 9.01),
    ],
)
def test_sql_scores_the_edges_as_python_does(sample, model, theta):
    """The model's own SQL, on histories and parameters that a shop may come to have."""
    parameters = fit_clv(EDGES[:4], model=model)
    parameters.loc[parameters["model"] == model, "estimate"] = theta
    compiled = sample.folder / "target/compiled/clientele/models/ml/value/ml_customers__clv.sql"
    query = compiled.read_text()
    passed = {30: 12.5, 90: 90.0, 180: 200.0, 365: 201.0}
    ends = {30: (0.1, 0.9), 90: (0.06, 0.94), 180: (0.14, 0.86), 365: (0.1, 0.9)}
    lookup = expected_orders(
        parameters, EDGES, season_days=passed, **{k: KNOBS[k] for k in list(KNOBS)[:2]}
    )
    factors = np.array([0.5, 0.6, 0.8, 1, 1, 1, 1, 0.9, 1, 1.2, 1.8, 1.7])
    seasons = Calendar("2025-12-31", factors, 10).table()
    tables = {
        "ml.ml_customers__season_histories": EDGES.reset_index().assign(
            as_of_date=pd.Timestamp("2025-12-31").date()
        ),
        "ml.ml_clv__expected_orders": lookup,
        "ml.ml_clv__parameters": parameters,
        "ml.ml_clv__calibration": pd.DataFrame(
            {
                "horizon_days": list(passed),
                "season_days": list(passed.values()),
                "intercept": -0.3,
                "slope": 1.2,
                "value_factor": 1.25,
                "low_level": [low for low, _ in ends.values()],
                "high_level": [high for _, high in ends.values()],
            }
        ),
        "ml.ml_clv__seasons": seasons,
    }
    with duckdb.connect() as connection:
        for number, (name, frame) in enumerate(tables.items()):
            schema, table = name.split(".")
            connection.execute(f"create schema if not exists {schema}")
            connection.register(f"given_{number}", frame)
            connection.execute(f"create table {name} as from given_{number}")
            quoted = f'"clientele"."{schema}"."{table}"'
            assert quoted in query
            query = query.replace(quoted, name)
        found = connection.execute(query).df()
    season = {"season_days": passed, "value_factor": 1.25, "range_ends": ends}
    expected = score(EDGES, parameters, **season, **KNOBS)
    assert np.isfinite(expected[["p_alive", "p_order", "expected_orders", *MONEY]]).all(axis=None)
    assert np.isfinite(found[["order_variance", "gradient_r", "gradient_b"]]).all(axis=None)
    assert (found["order_variance"] > -1e-9).all()
    assert_scored_alike(found, expected, seasons)
    found = found.sort_values(["customer_id", "horizon_days"])
    order = expit(-0.3 + 1.2 * logit(expected["p_order"].clip(1e-12, 1 - 1e-12)))
    np.testing.assert_allclose(found["churn_probability"], 1 - order, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("column", ["expected_orders", "clv"])
def test_standard_errors_of_totals_match_moved_parameters(sample, column):
    """The delta method by brute force: every customer scored again along each axis."""
    parameters, histories = sample.frame("from ml.ml_clv__parameters"), histories_of(sample)
    floor = (parameters["parameter"] == "q").astype(float)
    knobs = KNOBS | season_of(sample) | {"horizons_days": [365]}
    variance = 0.0
    for model in parameters["model"].unique():
        own = parameters["model"] == model
        for axis in LOADINGS[: own.sum()]:
            totals = []
            for sign in (1, -1):
                step = np.exp(sign * 1e-3 * parameters[axis].where(own, 0))
                moved = parameters.assign(estimate=floor + (parameters["estimate"] - floor) * step)
                totals.append(score(histories, moved, **knobs)[column].sum())
            variance += ((totals[0] - totals[1]) / 2e-3) ** 2
    found = sample.query(
        f"select {column}, {column}_standard_error from marts.fct_segment_values "
        "where segmentation = 'all' and horizon_days = 365"
    )[0]
    # The discount is taken not to depend on the parameters.
    assert found[1] == pytest.approx(np.sqrt(variance), rel=1e-2 if column == "clv" else 1e-4)
    assert found[0] == pytest.approx(score(histories, parameters, **knobs)[column].sum())


def test_segments_and_their_money_add_up_to_all_customers(sample):
    rows = sample.query(
        """
        select segmentation, horizon_days, sum(customer_count), sum(clv), sum(value_at_risk)
        from marts.fct_segment_values group by all order by all
        """
    )
    totals = {row[1]: row[2:] for row in rows if row[0] == "all"}
    assert {row[0] for row in rows} == {"all", "behaviour", "baskets", "rfm"}
    for _, days, *sums in rows:
        assert sums == pytest.approx(totals[days])
