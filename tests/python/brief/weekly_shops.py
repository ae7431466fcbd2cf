"""Simulated shops, published twice: steady ones, and ones in which something has changed."""

import datetime
import os

import duckdb
import numpy as np
import pandas as pd

from clientele.publishing.copies import PUBLICATIONS

AS_OF = datetime.date(2025, 6, 1)
DAYS, BURN_IN = 728, 720
COUNTRIES = np.array(["GB", "DE", "FR", "IE"])
CATEGORIES = np.array(["Kitchen", "Garden", "Toys"])
PRODUCTS = 24
RECENT_DAYS = 180
SEGMENTS = {"often": "Buys often", "seldom": "Buys seldom", "gone": "Stays away"}
HEADER = """
    create schema marts;
    create table marts.publications as from record;
    create table marts.fct_orders as select o.order_id, o.customer_id, o.order_date, true as
        is_purchase, row_number() over (partition by customer_id order by order_date, order_id) = 1
        as is_first_order, o.country, o.channel, l.amount as gross_amount,
        0::decimal(18, 4) as discount_amount
        from orders as o join (
            select order_id, sum(quantity * unit_price)::decimal(18, 4) as amount
            from lines where not is_return group by order_id
        ) as l using (order_id);
    create table marts.fct_order_lines as select order_id, customer_id, order_date, product_id,
        is_return, quantity, unit_price, case when is_return then 0
        else quantity * unit_price end::decimal(18, 4) as line_gross_amount,
        0::decimal(18, 4) as line_discount_amount from lines;
    create table marts.dim_products as
        select product_id, product_name, category from products;
    create table marts.dim_customers as select distinct customer_id, 'Buys often' as segment_name,
        country as acquisition_country from orders where customer_id is not null;
    create table marts.fct_customer_actions as select customer_id,
        ['at risk', 'new', 'due', 'second order'][1 + (hash(customer_id) % 4)::int] as contact_group
        from marts.dim_customers;
    create table marts.fct_segment_memberships as from members;
    create table marts.dim_segments as
        select distinct 'behaviour' as segmentation, segment_key, segment_name from members
        join (from names) using (segment_key);
    create table marts.fct_segmentation_versions as select 'behaviour' as segmentation,
        1 as version, date '2024-12-01' as as_of_date, 'kmeans' as method, true as is_in_force;
    create table marts.rpt_data_quality as select 'accepted' as reason, 'none' as severity,
        'Accepted' as meaning, (select count(*) from lines) as row_count,
        0::decimal(18, 4) as amount
        union all select 'missing_price', 'error', 'No price', 50, 100;
"""


def simulate(rng, *, arrivals=14.0, days=DAYS):
    """Return (orders, lines) of a steady shop: customers arrive, buy at their own rate, and leave.

    ``day`` counts from the first day of the history; prices have promotions, order values have a
    heavy tail, and some lines come back within two weeks.
    """
    count = rng.poisson(arrivals * (days + BURN_IN))
    arrival = rng.uniform(-BURN_IN, days, count)
    life = rng.exponential(400, count)
    rate = rng.gamma(0.8, 1 / 30, count)
    country = rng.choice(4, count, p=[0.6, 0.2, 0.12, 0.08])
    number = rng.poisson(rate * np.minimum(life, days - arrival))
    customer = np.concatenate([np.arange(count), np.repeat(np.arange(count), number)])
    day = arrival[customer]
    day[count:] += (
        rng.uniform(size=len(day) - count) * np.minimum(life, days - arrival)[customer[count:]]
    )
    inside = (day >= 0) & (day < days)
    orders = pd.DataFrame({"customer": customer[inside], "day": day[inside].astype(int)})
    orders["country"] = COUNTRIES[country[orders["customer"]]]
    orders["order_id"] = [f"o{number}" for number in range(len(orders))]
    orders["channel"] = rng.choice(["web", "shop"], len(orders), p=[0.7, 0.3])
    orders["customer_id"] = "c" + orders["customer"].astype(str)
    guest = rng.random(len(orders)) < 0.03
    orders.loc[guest, "customer_id"] = None
    basket = 1 + rng.poisson(1.2, len(orders))
    lines = orders.loc[np.repeat(orders.index, basket), ["order_id", "customer_id", "day"]]
    weight = 1 / np.arange(1, PRODUCTS + 1) ** 0.5
    product = rng.choice(PRODUCTS, len(lines), p=weight / weight.sum())
    price = 5 + 3.0 * np.arange(PRODUCTS)
    promoted = rng.random((PRODUCTS, days // 7 + 1)) < 0.08
    week = lines["day"].to_numpy() // 7
    lines["product"] = product
    lines["quantity"] = np.ceil(np.exp(rng.normal(0.5, 0.8, len(lines))))
    lines["unit_price"] = np.round(price[product] * np.where(promoted[product, week], 0.8, 1), 2)
    lines["is_return"] = False
    return orders, pd.concat([lines, returned(rng, lines, 0.04, days)], ignore_index=True)


def returned(rng, lines, share, days=DAYS):
    """Return the lines that come back, as lines of orders of their own."""
    back = lines[~lines["is_return"] & (rng.random(len(lines)) < share)].copy()
    back["day"] += rng.integers(1, 14, len(back))
    back["quantity"] = -back["quantity"]
    back["is_return"] = True
    back["order_id"] = "r" + back["order_id"]
    return back[back["day"] < days]


def members(orders, day):
    """Return the segment of every customer at the end of a day, from what was known then."""
    known = orders[(orders["day"] <= day) & orders["customer_id"].notna()]
    recent = known[known["day"] > day - RECENT_DAYS].groupby("customer_id").size()
    counts = recent.reindex(known["customer_id"].unique(), fill_value=0)
    key = np.select([counts >= 3, counts >= 1], ["often", "seldom"], "gone")
    return pd.DataFrame(
        {"customer_id": counts.index, "segmentation": "behaviour", "segment_key": key}
    )


def publish(folder, orders, lines, last_day, number, *, days=DAYS, min_cell=5, more=""):
    """Write the publication of what was known at the end of ``last_day``; return its build id."""
    build_id = f"2025060{number}T000000Z-{number:08d}"
    place = folder / build_id
    place.mkdir(parents=True)
    start = AS_OF - datetime.timedelta(days=days - 1)

    def dated(frame):
        known = frame[frame["day"] <= last_day].copy()
        known["order_date"] = pd.to_datetime(start) + pd.to_timedelta(known["day"], unit="D")
        known["order_date"] = known["order_date"].dt.date
        return known

    with duckdb.connect(str(place / "clientele.duckdb")) as connection:
        record = dict.fromkeys(PUBLICATIONS) | {
            "build_id": build_id,
            "built_at": datetime.datetime(2025, 6, number),
            "published_at": datetime.datetime(2025, 6, number),
            "as_of_date": start + datetime.timedelta(days=last_day),
            "source_name": "shop",
            "currency": "EUR",
            "min_cell": min_cell,
        }
        told = []
        for back in (0, 90, 180):
            segments = members(orders, last_day - back)
            segments["as_of_date"] = start + datetime.timedelta(days=last_day - back)
            segments["is_current"] = back == 0
            told.append(segments)
        products = pd.DataFrame({"number": np.arange(PRODUCTS)})
        products["product_id"] = "p" + products["number"].astype(str)
        products["product_name"] = "Thing " + products["number"].astype(str)
        products["category"] = CATEGORIES[products["number"] % 3]
        lines = dated(lines)
        lines["product_id"] = "p" + lines["product"].astype(str)
        for name, frame in {
            "record": pd.DataFrame([record]),
            "orders": dated(orders),
            "lines": lines,
            "members": pd.concat(told),
            "products": products,
            "names": pd.DataFrame(SEGMENTS.items(), columns=["segment_key", "segment_name"]),
        }.items():
            connection.register(name, frame)
        connection.execute(HEADER + more)
    link = folder / "current"
    link.unlink(missing_ok=True)
    os.symlink(build_id, link)
    return build_id
