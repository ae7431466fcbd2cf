"""What customers had bought by a day, and what could be recommended then, in pandas."""

import numpy as np
import pandas as pd
import yaml
from conftest import PROJECT

VARS = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"]


def days(warehouse):
    """Today, and the earlier day on which recommendations are tested."""
    return [
        pd.Timestamp(day)
        for (day,) in warehouse.query(
            "select as_of_date from intermediate.int_as_of_dates where period_number < 2 "
            "order by period_number"
        )
    ]


def histories(warehouse, day):
    """A row per customer and kept product as known on a day, the last bought first."""
    lines = warehouse.frame(
        f"""
        select order_id, customer_id, product_id, order_date,
            line_net_amount + coalesce(later.returned_amount, 0) as net_amount
        from marts.fct_order_lines
        left join (
            select order_line_id, sum(returned_amount) as returned_amount
            from intermediate.int_returns
            where return_date > date '{day.date()}' and not is_reversal group by all
        ) as later using (order_line_id)
        where not is_return and customer_id is not null and order_date <= date '{day.date()}'
        """
    )
    kept = lines[lines["net_amount"] > 0]
    grouped = kept.groupby(["customer_id", "product_id"], as_index=False).agg(
        first=("order_date", "min"), last=("order_date", "max"), orders=("order_id", "nunique")
    )
    grouped = grouped.sort_values(
        ["customer_id", "last", "orders", "product_id"], ascending=[True, False, False, True]
    )
    return grouped.assign(place=grouped.groupby("customer_id").cumcount() + 1)


def catalogue(warehouse, history, day):
    """The well-known products by customers, and whether each is recommendable."""
    sold = warehouse.frame(
        f"select product_id, max(order_date) as last from marts.fct_order_lines "
        f"where not is_return and order_date <= date '{day.date()}' group by all"
    ).set_index("product_id")["last"]
    counts = history.groupby("product_id")["customer_id"].size()
    table = pd.DataFrame({"customers": counts, "last": sold.reindex(counts.index)})
    table = table[table["customers"] >= VARS["recommendations_min_customers"]].reset_index()
    still = day - pd.Timedelta(days=VARS["recommendations_discontinued_days"])
    table["allowed"] = pd.to_datetime(table["last"]) >= still
    table = table.sort_values(["customers", "product_id"], ascending=[False, True])
    return table.reset_index(drop=True)


def judged(lists, truth, allowed_count, k):
    """Measures of lists, which map customers to products, over all customers of the truth."""
    bought = truth.groupby("customer_id")["product_id"].agg(set)
    first, hits, named = [], 0, set()
    for customer, products in bought.items():
        top = lists.get(customer, [])[:k]
        places = [place for place, product in enumerate(top, 1) if product in products]
        first.append(places[0] if places else np.inf)
        hits += len(places)
        named |= set(top)
    first = np.array(first)
    return {
        "customer_count": len(bought),
        "hit_rate": np.isfinite(first).mean(),
        "mrr": (1 / first).mean(),
        "recall_at_k": hits / len(truth),
        "catalogue_coverage": len(named) / allowed_count,
    }
