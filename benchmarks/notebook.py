"""What people do today: pandas, scikit-learn, mlxtend and a lifetimes-style BG/NBD in one script.

The same cleaning, features, k-means, rules and lifetime value as the project's, written the
straightforward way, without tricks and without sampling. Prints the seconds of each stage as JSON.
"""

import argparse
import json
import time

import numpy as np
import pandas as pd
from mlxtend.frequent_patterns import association_rules, fpgrowth
from scipy.optimize import minimize
from scipy.special import betaln, gammaln, hyp2f1
from sklearn.cluster import KMeans
from sklearn.preprocessing import StandardScaler

STAGES = {}
FEES = {"POST", "DOT", "M", "m", "D", "S", "B", "C2", "C3", "BANK CHARGES", "AMAZONFEE", "CRUK"}


def stage(name, started):
    """Note how long a stage took; return the start of the next."""
    STAGES[name] = round(time.perf_counter() - started, 2)
    return time.perf_counter()


def clean(lines, extract_date):
    """Drop what is no sale, and net matched returns from their purchases."""
    lines = lines.drop_duplicates()
    lines = lines.dropna(subset=["order_id", "ordered_at", "quantity", "unit_price"])
    lines = lines[(lines.quantity != 0) & (lines.unit_price > 0)]
    lines = lines[lines.ordered_at < pd.Timestamp(extract_date) + pd.Timedelta(days=1)]
    lines = lines[lines.currency.fillna("GBP") == "GBP"]
    codes = lines.product_id.astype(str)
    lines = lines[~codes.isin(FEES) & ~codes.str.match(r"TEST|gift_0001|ADJUST")]
    lines = lines[~lines.order_id.astype(str).str.startswith("A")].reset_index(drop=True)
    lines["discount_amount"] = lines.discount_amount.fillna(0)

    sold = lines[lines.quantity > 0].reset_index(names="line")
    returned = lines[(lines.quantity < 0) & lines.customer_id.notna()].reset_index(names="line")
    named = sold[sold.product_id.notna()]
    pairs = returned.merge(named, on=["customer_id", "product_id"], suffixes=("", "_sold"))
    pairs = pairs[
        (pairs.ordered_at_sold <= pairs.ordered_at) & (-pairs.quantity <= pairs.quantity_sold)
    ]
    pairs["same_price"] = pairs.unit_price == pairs.unit_price_sold
    pairs = pairs.sort_values(
        ["line", "same_price", "ordered_at_sold"], ascending=[True, False, False]
    )
    pairs = pairs.drop_duplicates("line").sort_values(["line_sold", "ordered_at"])
    pairs["returned"] = -pairs.groupby("line_sold").quantity.cumsum()
    pairs = pairs[pairs.returned <= pairs.quantity_sold]
    pairs["amount"] = -pairs.quantity * pairs.unit_price + pairs.discount_amount
    days = (pairs.ordered_at - pairs.ordered_at_sold).dt.days
    absurd = (
        (pairs.quantity_sold >= 10_000) & (-pairs.quantity == pairs.quantity_sold) & (days <= 7)
    )
    gone = pairs[absurd]
    back = pairs[~absurd].groupby("line_sold").amount.sum()
    sold = sold[~sold.line.isin(gone.line_sold)].copy()
    sold["gross"] = sold.quantity * sold.unit_price
    sold["returned"] = sold.line.map(back).fillna(0)
    sold["net"] = sold.gross - sold.discount_amount - sold.returned
    unmatched = returned[~returned.line.isin(pairs.line)]
    lost = (-unmatched.quantity * unmatched.unit_price).groupby(unmatched.customer_id).sum()
    return sold, lost


def features(sold, lost, as_of):
    """One row per customer, the families of fct_customer_features."""
    orders = sold.groupby("order_id").agg(
        customer_id=("customer_id", "first"),
        ordered_at=("ordered_at", "min"),
        gross=("gross", "sum"),
        discount=("discount_amount", "sum"),
        returned=("returned", "sum"),
        net=("net", "sum"),
        units=("quantity", "sum"),
        lines=("net", "size"),
    )
    orders = orders[orders.net > 0].reset_index()
    orders["day"] = orders.ordered_at.dt.normalize()
    orders["weekend"] = orders.day.dt.day_of_week >= 5
    orders["evening"] = orders.ordered_at.dt.hour >= 18
    known = orders.dropna(subset=["customer_id"])
    by = known.groupby("customer_id")
    table = by.agg(
        first=("day", "min"), last=("day", "max"), frequency=("order_id", "size"),
        net=("net", "sum"),
        gross=("gross", "sum"), discount=("discount", "sum"), returned=("returned", "sum"),
        units=("units", "sum"), lines=("lines", "sum"), weekend_share=("weekend", "mean"),
        evening_share=("evening", "mean"),
    )  # fmt: skip
    table["recency_days"] = (as_of - table["last"]).dt.days
    table["tenure_days"] = (as_of - table["first"]).dt.days
    table["monetary"] = table.net - lost.reindex(table.index).fillna(0)
    table["basket_unit_count"] = table.units / table.frequency
    table["basket_product_count"] = table.lines / table.frequency
    table["unit_price_mean"] = table.gross / table.units
    table["discount_share"] = table.discount / table.gross
    table["return_share"] = table.returned / table.gross
    days = known.groupby(["customer_id", "day"]).net.sum().reset_index()
    days["gap"] = days.groupby("customer_id").day.diff().dt.days
    gaps = days.groupby("customer_id").gap
    table["gap_mean_days"], table["gap_cv"] = gaps.mean(), gaps.std(ddof=0) / gaps.mean()
    kept = sold[(sold.net > 0) & sold.customer_id.notna()]
    table["product_count"] = kept.groupby("customer_id").product_id.nunique()
    spent = kept.groupby(["customer_id", "category"]).net.sum()
    share = spent / spent.groupby("customer_id").transform("sum")
    table["category_entropy"] = -(share * np.log(share)).groupby("customer_id").sum()
    table["top_category"] = spent.groupby("customer_id").idxmax().str[1]
    for score, column, ascending in [("r", "recency_days", False), ("f", "frequency", True)]:
        rank = table[column].rank(method="min", ascending=ascending)
        table[f"{score}_score"] = (1 + 5 * (rank - 1) // len(table)).astype(int)
    repeat = days[days.gap.notna()].groupby("customer_id").net.mean()
    history = pd.DataFrame(
        {
            "x": by.day.nunique() - 1,
            "t_x": (table["last"] - table["first"]).dt.days,
            "T": table.tenure_days,
            "value": repeat.reindex(table.index),
        }
    )
    return orders, table, history


def cluster(table):
    """Log, standardise, k-means."""
    columns = [
        "recency_days", "frequency", "monetary", "unit_price_mean", "basket_unit_count",
        "basket_product_count", "discount_share", "evening_share", "weekend_share",
    ]  # fmt: skip
    scaled = StandardScaler().fit_transform(np.log1p(table[columns].clip(lower=0).astype(float)))
    return KMeans(5, n_init=10, random_state=1).fit_predict(scaled)


def rules(sold):
    """One-hot baskets, FP-Growth, rules."""
    kept = sold[sold.net > 0]
    baskets = pd.crosstab(kept.order_id, kept.product_id).astype(bool)
    itemsets = fpgrowth(baskets, min_support=0.01, use_colnames=True, max_len=3)
    return association_rules(itemsets, metric="confidence", min_threshold=0.2)


def lifetime_value(history, horizon=365.0, annual_rate=0.10):
    """BG/NBD and Gamma-Gamma by numerical maximum likelihood, the textbook formulas for scoring."""
    x, t_x, age = (history[c].to_numpy(float) for c in ("x", "t_x", "T"))
    scale = age.max()
    t_x, age = t_x / scale, age / scale

    def purchases(theta):
        r, alpha, a, b = np.exp(theta)
        alive = betaln(a, b + x) - betaln(a, b) - (r + x) * np.log(alpha + age)
        left = np.where(
            x > 0,
            betaln(a + 1, b + np.maximum(x, 1) - 1) - betaln(a, b) - (r + x) * np.log(alpha + t_x),
            -np.inf,
        )
        both = np.logaddexp(alive, left)
        return -(gammaln(r + x) - gammaln(r) + r * np.log(alpha) + both).mean()

    r, alpha, a, b = np.exp(minimize(purchases, np.zeros(4), method="Nelder-Mead",
                                     options={"maxiter": 2000}).x)  # fmt: skip
    with np.errstate(over="ignore"):
        odds = np.where(
            x > 0, a / (b + np.maximum(x, 1) - 1) * ((alpha + age) / (alpha + t_x)) ** (r + x), 0
        )
    p_alive = 1 / (1 + odds)

    def expected(t):
        tail = hyp2f1(r + x, b + x, a + b + x - 1, t / (alpha + age + t))
        ratio = ((alpha + age) / (alpha + age + t)) ** (r + x)
        return (a + b + x - 1) / (a - 1) * (1 - ratio * tail) * p_alive

    k = history.x.to_numpy(float)
    buyers = (k > 0) & (history.value.to_numpy() > 0)
    kb, m = k[buyers], history.value.to_numpy()[buyers]

    def spend(theta):
        p, q, v = np.exp(theta)
        return -(
            gammaln(p * kb + q) - gammaln(p * kb) - gammaln(q) + q * np.log(v)
            + (p * kb - 1) * np.log(m) + p * kb * np.log(kb) - (p * kb + q) * np.log(v + kb * m)
        ).mean()  # fmt: skip

    p, q, v = np.exp(
        minimize(spend, np.zeros(3), method="Nelder-Mead", options={"maxiter": 2000}).x
    )
    value = p * (v + k * np.where(k > 0, np.nan_to_num(history.value), 0)) / (p * k + q - 1)
    months = np.append(np.arange(0, horizon, 30.4375), horizon)
    orders = np.array([expected(t / scale) if t else np.zeros(len(x)) for t in months])
    middle = (months[1:] + months[:-1]) / 2
    discount = np.exp(-np.log1p(annual_rate) / 365.25 * middle)
    return (np.diff(orders, axis=0) * discount[:, None]).sum(axis=0) * value


def main():
    """Run the stages in a notebook's order and print what each took."""
    options = argparse.ArgumentParser()
    options.add_argument("lines")
    options.add_argument("--products")
    options.add_argument("--online-retail", action="store_true")
    given = options.parse_args()
    started = time.perf_counter()
    lines = pd.read_parquet(given.lines)
    extract_date = "2026-01-01"
    if given.online_retail:
        extract_date = "2011-12-10"
        lines = lines.drop(columns="sheet").rename(
            columns={
                "Invoice": "order_id", "Customer ID": "customer_id", "StockCode": "product_id",
                "InvoiceDate": "ordered_at", "Quantity": "quantity", "Price": "unit_price",
            }
        ).assign(discount_amount=0.0, currency="GBP", category="none")  # fmt: skip
    else:
        products = pd.read_parquet(given.products)
        lines["unit_price"] = lines.unit_price.astype(float)
        lines["discount_amount"] = lines.discount_amount.astype(float)
        lines = lines.merge(products[["product_id", "category"]], on="product_id", how="left")
    started = stage("read", started)
    sold, lost = clean(lines, extract_date)
    del lines
    started = stage("clean", started)
    as_of = sold.ordered_at.max().normalize()
    orders, table, history = features(sold, lost, as_of)
    started = stage("features", started)
    table["cluster"] = cluster(table)
    started = stage("k-means", started)
    table["clv"] = lifetime_value(history)
    started = stage("lifetime value", started)
    print(
        json.dumps({"customers": len(table), "orders": len(orders), "stages": STAGES}), flush=True
    )
    found = rules(sold)
    stage("rules", started)
    print(
        json.dumps(
            {"customers": len(table), "orders": len(orders), "rules": len(found), "stages": STAGES}
        )
    )


if __name__ == "__main__":
    main()
