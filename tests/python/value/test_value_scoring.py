import duckdb
import numpy as np
import pandas as pd
import pytest
from value_data import MODELS, PURCHASES, estimates, parameters_of, simulated_histories

from clientele.value.expectations import (
    discounted_orders_if_alive,
    expected_order_value,
    expected_orders_if_alive,
)
from clientele.value.fitting import fit_clv
from clientele.value.scoring import LOOKUP, SCORES, expected_orders, score


@pytest.fixture(scope="module")
def simulated():
    return simulated_histories()


def test_the_lookup_has_a_row_per_distinct_history_and_horizon():
    parameters = parameters_of("mbg_nbd", **PURCHASES)
    histories = pd.DataFrame({"x": [3, 0, 3, 3], "t": [50, 10, 50, 60]}, dtype="int32")
    lookup = expected_orders(
        parameters, histories, horizons_days=[365, 30], annual_discount_rate=0.1
    )
    assert lookup.columns.tolist() == ["x", "t", "horizon_days", *LOOKUP]
    keys = [(0, 10), (3, 50), (3, 60)]
    expected = [(x, t, days) for days in (30, 365) for x, t in keys]
    assert list(lookup[["x", "t", "horizon_days"]].itertuples(index=False, name=None)) == expected
    assert lookup["x"].dtype == "int32"
    for row in lookup.itertuples():
        purchases = {"model": "mbg_nbd"} | PURCHASES
        orders = expected_orders_if_alive(row.x, row.t, row.horizon_days, **purchases)
        discounted = discounted_orders_if_alive(
            row.x, row.t, row.horizon_days, annual_discount_rate=0.1, **purchases
        )
        assert row.expected_orders_if_alive == pytest.approx(orders, rel=1e-12)
        assert row.discounted_orders_if_alive == pytest.approx(discounted, rel=1e-12)


@pytest.mark.parametrize("model", MODELS)
def test_plain_sql_over_parameters_and_lookup_scores_the_same(simulated, model):
    parameters = fit_clv(simulated, model=model)
    knobs = {"horizons_days": [30, 365], "annual_discount_rate": 0.1}
    expected = score(simulated, parameters, margin_share=0.4, **knobs)
    query = f"""
        with theta as (
            pivot (select parameter, estimate from parameters)
            on parameter using first(estimate)
        )
        select
            customer_id,
            horizon_days,
            case when {model == "bg_nbd"} and x = 0 then 1 else 1 / (
                1 + a / (b + x - {int(model == "bg_nbd")})
                * power((alpha + "t") / (alpha + t_x), r + x)
            ) end as p_alive,
            p_alive * expected_orders_if_alive as expected_orders,
            p * (v + x * coalesce(order_value_mean, 0)) / (p * x + q - 1) as expected_order_value,
            0.4 * p_alive * discounted_orders_if_alive * expected_order_value as clv
        from histories inner join lookup using (x, "t") cross join theta
        order by customer_id, horizon_days
    """
    with duckdb.connect() as connection:
        connection.register("histories", simulated.reset_index())
        connection.register("lookup", expected_orders(parameters, simulated, **knobs))
        connection.register("parameters", parameters)
        in_sql = connection.sql(query).df()
    expected = expected[in_sql.columns]
    pd.testing.assert_frame_equal(in_sql, expected, check_dtype=False, rtol=1e-10)


def test_value_is_margin_times_alive_times_orders_times_order_value(simulated):
    parameters = parameters_of("mbg_nbd", **PURCHASES)
    scored = score(
        simulated, parameters, horizons_days=[365], annual_discount_rate=0, margin_share=0.25
    )
    assert len(scored) == len(simulated)
    assert scored["customer_id"].tolist() == simulated.index.tolist()
    assert scored["p_alive"].between(0, 1).all()
    np.testing.assert_allclose(
        scored["clv"], 0.25 * scored["expected_orders"] * scored["expected_order_value"]
    )


def test_no_customers_make_empty_tables_with_the_same_columns_and_types(simulated):
    no_one = simulated.head(0)
    knobs = {"horizons_days": [30], "annual_discount_rate": 0.1}
    parameters, no_parameters = fit_clv(simulated), fit_clv(no_one)
    assert no_parameters.empty
    pd.testing.assert_series_equal(no_parameters.dtypes, parameters.dtypes)
    for known in (parameters, no_parameters):
        lookup = expected_orders(known, no_one, **knobs)
        assert lookup.empty
        expected = expected_orders(parameters, simulated, **knobs).dtypes
        pd.testing.assert_series_equal(lookup.dtypes, expected)
        scored = score(no_one, known, margin_share=1, **knobs)
        assert scored.empty
        assert scored.columns.tolist() == ["customer_id", "horizon_days", *SCORES]


TINY = {
    "one customer": {"x": [2], "t_x": [30.43], "t": [38.86]},
    "three customers": {"x": [2, 0, 1], "t_x": [30, 0, 5], "t": [60, 60, 5]},
    "no one repeats": {"x": [0, 0, 0], "t_x": [0, 0, 0], "t": [60, 30, 1]},
    "all on one day": {"x": [0, 0, 0], "t_x": [0, 0, 0], "t": [0, 0, 0]},
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("prior_sd", [None, 2.5])
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("case", TINY)
def test_tiny_histories_give_finite_estimates_and_flag_convergence(case, model, prior_sd):
    histories = pd.DataFrame(TINY[case])
    histories["order_value_mean"] = np.where(histories["x"] > 0, 22.35, np.nan)
    fit = fit_clv(histories, model=model, prior_sd=prior_sd)
    assert np.isfinite(fit[["estimate", "log_likelihood"]]).all(axis=None)
    assert (fit["estimate"] > 0).all()
    if prior_sd:
        assert fit["has_converged"].all()
        assert np.isfinite(fit["standard_error"]).all()
    else:
        assert not fit.loc[fit["model"] == model, "has_converged"].any()
        assert fit.loc[~fit["has_converged"], "standard_error"].isna().all()
    knobs = {"horizons_days": [30, 3653], "annual_discount_rate": 0.1, "margin_share": 1}
    scored = score(histories, fit, **knobs)
    assert np.isfinite(scored[["p_alive", "expected_orders"]]).all(axis=None)
    assert len(scored) == 2 * len(histories)
    # Without repeat buyers nothing is known of order values: null, not a guess.
    buyers = histories["x"].gt(0).any()
    money = ["expected_order_value", "clv", "clv_p10", "clv_p50", "clv_p90", "value_at_risk"]
    assert scored[money].notna().all(axis=None) == buyers
    assert scored[money].isna().all(axis=None) != buyers
    assert ("gamma_gamma" in set(fit["model"])) == buyers


def test_if_no_time_has_passed_the_prior_gives_a_purchase_a_year():
    histories = pd.DataFrame(TINY["all on one day"]).assign(order_value_mean=np.nan)
    assert estimates(fit_clv(histories), "mbg_nbd") == pytest.approx(
        {"r": 1, "alpha": 365.25, "a": 1, "b": 1}
    )


def test_equal_order_values_are_expected_for_certain():
    histories = pd.DataFrame({"x": [1, 4] * 25, "t_x": [9, 40] * 25, "t": 40})
    fit = fit_clv(histories.assign(order_value_mean=12.5))
    has_converged = fit.groupby("model")["has_converged"].first()
    assert has_converged.all()
    values = expected_order_value([0, 4], [np.nan, 12.5], **estimates(fit, "gamma_gamma"))
    np.testing.assert_allclose(values, 12.5, rtol=1e-4)


def test_free_repeat_purchases_are_left_out_of_the_spend_model_but_scored():
    histories = pd.DataFrame(
        {"x": [1, 1, 2], "t_x": [3, 9, 4], "t": [9, 9, 9], "order_value_mean": [0.0, 8.0, 9.0]}
    )
    fit = fit_clv(histories)
    assert fit.set_index("model")["customer_count"].to_dict() == {"mbg_nbd": 3, "gamma_gamma": 2}
    scored = score(histories, fit, horizons_days=[30], annual_discount_rate=0, margin_share=1)
    assert scored["expected_order_value"].iloc[0] < scored["expected_order_value"].iloc[1]


def one(**columns):
    return pd.DataFrame(columns | {"order_value_mean": 10.0}, index=["c"])


def lookup_of(parameters=None, horizons_days=(30,), annual_discount_rate=0.1):
    return expected_orders(
        parameters_of("mbg_nbd", **PURCHASES) if parameters is None else parameters,
        one(x=1, t_x=2, t=3),
        horizons_days=horizons_days,
        annual_discount_rate=annual_discount_rate,
    )


@pytest.mark.parametrize(
    ("history", "message"),
    [
        ({"x": 1, "t_x": 9, "t": 5}, "t_x is greater than t in 2 rows"),
        ({"x": -1, "t_x": 0, "t": 5}, "x is negative in 2 rows"),
        ({"x": 0, "t_x": 3, "t": 5}, "t_x is positive although x is 0 in 2 rows"),
        ({"x": 2, "t_x": 0, "t": 5}, "t_x is 0 although x is positive in 2 rows"),
        ({"x": 1, "t_x": -3, "t": 5}, "t_x is negative in 2 rows"),
        ({"x": 0, "t_x": 0, "t": -5}, "t is negative in 2 rows"),
        ({"x": np.nan, "t_x": 3, "t": 5}, "x is null or infinite in 2 rows"),
        ({"x": 1, "t_x": np.nan, "t": 5}, "t_x is null or infinite in 2 rows"),
        ({"x": 1, "t_x": 3, "t": np.inf}, "t is null or infinite in 2 rows"),
        (
            {"x": 1, "t_x": 3, "t": 5, "order_value_mean": np.nan},
            "order_value_mean is null .* 2 rows",
        ),
        (
            {"x": 1, "t_x": 3, "t": 5, "order_value_mean": -1},
            "order_value_mean is negative in 2 rows",
        ),
    ],
)
def test_impossible_histories_are_refused_with_column_and_count(history, message):
    possible = {"x": 1, "t_x": 3, "t": 5, "order_value_mean": 10.0}
    histories = pd.DataFrame([possible, possible | history, possible | history])
    parameters = parameters_of("mbg_nbd", **PURCHASES)
    with pytest.raises(ValueError, match=message):
        fit_clv(histories)
    with pytest.raises(ValueError, match=message):
        score(histories, parameters, horizons_days=[30], annual_discount_rate=0, margin_share=1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: fit_clv(one(x=1, t_x=2, t=3), model="pareto"),
            "model='pareto' is none of mbg_nbd",
        ),
        (lambda: fit_clv(one(x=1, t_x=2, t=3), prior_sd=0), "prior_sd=0 must be above 0"),
        (lambda: lookup_of(horizons_days=[30, 0]), r"horizons_days=\[30, 0\] must all be above 0"),
        (lambda: lookup_of(annual_discount_rate=-1), "annual_discount_rate=-1 must be above -1"),
        (lambda: lookup_of(parameters=fit_clv(one(x=1, t_x=2, t=3).head(0))), "no purchase model"),
    ],
)
def test_knobs_out_of_range_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_with_all_orders_the_first_order_counts_in_the_spend_model(simulated):
    """The same as if every customer had come one more time, as far as spend goes."""
    histories = simulated.assign(order_value_mean=simulated["order_value_mean"].fillna(17.0))
    more = histories.assign(**{name: histories[name] + 1 for name in ("x", "t_x", "t")})
    result = fit_clv(histories, spend_orders="all").query("model == 'gamma_gamma'")
    expected = fit_clv(more).query("model == 'gamma_gamma'")
    pd.testing.assert_frame_equal(result, expected)
    repeat = fit_clv(histories)
    purchases = fit_clv(histories, spend_orders="all").query("model == 'mbg_nbd'")
    pd.testing.assert_frame_equal(purchases, repeat.query("model == 'mbg_nbd'"))
    knobs = {"horizons_days": [365], "annual_discount_rate": 0, "margin_share": 1}
    scored = score(histories, repeat, spend_orders="all", **knobs)
    theta = estimates(repeat, "gamma_gamma")
    p, q, v = (theta[name] for name in "pqv")
    count, mean = histories["x"].to_numpy() + 1, histories["order_value_mean"].to_numpy()
    np.testing.assert_allclose(
        scored["expected_order_value"], p * (v + count * mean) / (p * count + q - 1)
    )
    # A dear first order lifts the range of who came once.
    once = pd.DataFrame({"x": 0, "t_x": 0, "t": 30, "order_value_mean": [10.0, 1000.0]})
    ninety = score(once, repeat, spend_orders="all", **knobs)["clv_p90"]
    assert ninety[1] > 5 * ninety[0] > 0
    with pytest.raises(ValueError, match="order_value_mean is null in 1 rows"):
        fit_clv(once.assign(order_value_mean=[1.0, np.nan]), spend_orders="all")
    with pytest.raises(ValueError, match="spend_orders='first' is none of repeat, all"):
        fit_clv(once, spend_orders="first")
