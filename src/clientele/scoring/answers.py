"""Read the computed tables of a scorer, and what was published before, as a dictionary each."""

import csv
import io
import json
from collections import defaultdict
from decimal import Decimal

# Keys that stand once per customer, not on each row.
_REPEATED = {"customer_id", "as_of_date"}
_STANDING = ["rfm_group", "segment_key", "segment_name"]


def answers(scorer) -> list[dict]:
    """Return a dictionary per customer of the lines, in the order of their ids.

    The warehouse must be attached: `before` is what its marts say.
    """
    order_lines = scorer.relation("int_order_lines__screened")
    features = _rows(scorer, f"from {scorer.relation('fct_customer_features')}")
    scores = _rows(scorer, f"from {scorer.relation('feat_customers__rfm_scores')}")
    segments = _rows(
        scorer,
        f"""
        select customer_id, segments.segmentation, segments.segment_key, names.segment_name,
            segments.distance, segments.confidence, segments.is_noise
        from {scorer.relation("ml_customers__segments")} as segments
        left join {scorer.relation("dim_segments")} as names
            on segments.segmentation = names.segmentation
            and segments.segment_key = names.segment_key
        where segments.is_current and segments.segmentation <> 'rfm'
        order by segments.segmentation
        """,
    )
    values = _rows(scorer, f"from {scorer.relation('fct_customer_values')} order by horizon_days")
    products = _rows(scorer, f"from {scorer.relation('fct_product_recommendations')} order by rank")
    rejected = _rows(
        scorer,
        f"select customer_id, reject_reason, count(*) as n from {order_lines} "
        "where reject_reason is not null and customer_id is not null group by all order by all",
    )
    asked = "customer_id in (select customer_id from asked)"
    before = _rows(
        scorer,
        f"select customer_id, {', '.join(_STANDING)} "
        f"from {scorer.stored('dim_customers')} where {asked}",
    )
    values_before = _rows(
        scorer,
        "select customer_id, horizon_days, clv, churn_probability "
        f"from {scorer.stored('fct_customer_values')} where {asked} order by horizon_days",
    )
    ((day,),) = scorer.connection.execute(
        f"select as_of_date from {scorer.relation('int_as_of_dates')} where is_current"
    ).fetchall()
    found = []
    ids = scorer.connection.execute("select customer_id from asked order by 1").fetchall()
    for (customer,) in ids:
        kept = {row["segmentation"]: row for row in segments[customer]}
        score = scores[customer][0] if scores[customer] else {}
        behaviour = kept.get("behaviour", {})
        now = {"rfm_group": score.get("rfm_group")}
        now |= {name: behaviour.get(name) for name in ("segment_key", "segment_name")}
        then = before[customer][0] if before[customer] else dict.fromkeys(_STANDING)
        found.append(
            {
                "customer_id": customer,
                "as_of_date": day,
                "is_known": bool(before[customer]),
                "features": features[customer][0] if features[customer] else None,
                "rfm": {
                    name: score[name] for name in ("r_score", "f_score", "m_score", "rfm_group")
                } if score else None,
                "segments": kept,
                "values": values[customer],
                "next_products": products[customer],
                "before": then | {"values": values_before[customer]},
                "changed": [name for name in _STANDING if now[name] != then[name]],
                "rejected_lines": {row["reject_reason"]: row["n"] for row in rejected[customer]},
            }
        )  # fmt: skip
    return found


def _rows(scorer, query):
    """Return the rows of a query as dictionaries, by customer; money becomes a float."""
    cursor = scorer.connection.execute(query)
    names = [column[0] for column in cursor.description]
    rows = defaultdict(list)
    for values in cursor.fetchall():
        row = {
            name: float(value) if isinstance(value, Decimal) else value
            for name, value in zip(names, values, strict=True)
        }
        rows[row["customer_id"]].append(
            {name: value for name, value in row.items() if name not in _REPEATED}
        )
    return rows


def as_json_lines(customers: list[dict]) -> str:
    """Return the answers as JSON, a line per customer."""
    return "".join(f"{json.dumps(row, default=str, ensure_ascii=False)}\n" for row in customers)


def as_csv(customers: list[dict]) -> str:
    """Return the answers as CSV, a row per customer: of lists, the parts that fit in a cell."""
    rows = [_flat(customer) for customer in customers]
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names or ["customer_id"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _flat(customer):
    row = {name: customer[name] for name in ("customer_id", "as_of_date", "is_known")}
    row |= customer["features"] or {}
    row |= customer["rfm"] or {}
    segment = customer["segments"].get("behaviour", {})
    row |= {name: segment.get(name) for name in ("segment_key", "segment_name", "confidence")}
    for value in customer["values"]:
        for name in ("expected_orders", "clv", "churn_probability"):
            row[f"{name}_{value['horizon_days']}"] = value[name]
    for product in customer["next_products"]:
        row[f"next_product_{product['rank']}"] = product["product_id"]
    row |= {f"{name}_before": customer["before"][name] for name in _STANDING}
    for value in customer["before"]["values"]:
        row[f"clv_{value['horizon_days']}_before"] = value["clv"]
    reasons = customer["rejected_lines"].items()
    row["rejected_lines"] = "; ".join(f"{reason}: {count}" for reason, count in reasons)
    return row
