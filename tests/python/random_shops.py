"""Random small shops of every shape, as the lines of `compiled_project.NAMES`."""

from datetime import datetime, timedelta

import numpy as np

# What a shop can be like: each is a change of the parameters of an ordinary one.
SHAPES = {
    "ordinary": {},
    "one_product": {"products": 1},
    "one_day": {"days": 1},
    "one_week": {"days": 7},
    "one_order_each": {"orders_each": 1},
    "many_orders_each": {"orders_each": 12},
    "subscription": {"monthly": True},
    "subscription_third_month": {"monthly": True, "days": 75},
    "subscription_one_price": {"monthly": True, "products": 1, "constant_price": True},
    "constant_price": {"constant_price": True},
    "all_alike": {"constant_price": True, "monthly": True, "products": 1, "days": 92},
    "guests_only": {"guest_share": 1.0},
    "mostly_guests": {"guest_share": 0.8},
    "returns_only": {"return_share": 1.0},
    "mostly_returned": {"return_share": 0.6},
    "wholly_discounted": {"discount_share": 1.0},
    "free": {"constant_price": True, "price": 0.0},
    "tiny_prices": {"constant_price": True, "price": 0.0001},
    "large_prices": {"price": 1_000_000.0},
    "categories": {"categories": 3},
    "long_history": {"days": 3000, "first_day": "2015-03-01"},
    "stopped_long_ago": {"days": 40, "first_day": "2015-03-01"},
    "one_line_orders": {"lines_each": 1},
    "long_orders": {"lines_each": 15},
    "one_big_customer": {"big_customer": True},
}


def random_shop(shape: str, seed: int) -> str:
    """Return the lines of a shop of 1 to 300 customers; small ones are more common."""
    rng = np.random.default_rng([sorted(SHAPES).index(shape), seed])
    ordinary = {
        "customers": int(np.exp(rng.uniform(0, np.log(300)))) or 1,
        "products": int(rng.integers(1, 40)),
        "orders_each": float(rng.uniform(1, 5)),
        "lines_each": int(rng.integers(1, 5)),
        "days": int(rng.integers(30, 900)),
        "first_day": "2023-01-02",
        "guest_share": float(rng.choice([0, 0.2])),
        "return_share": float(rng.choice([0, 0.05])),
        "discount_share": float(rng.choice([0, 0.1])),
        "categories": 0,
        "monthly": False,
        "constant_price": False,
        "price": 10.0,
        "big_customer": False,
    }
    shop = ordinary | SHAPES[shape]
    start = datetime.fromisoformat(shop["first_day"]) + timedelta(hours=9)
    prices = np.full(shop["products"], shop["price"])
    if not shop["constant_price"]:
        prices = np.round(prices * rng.lognormal(0, 1, shop["products"]), 2).clip(0.01)
    lines = []
    order = 0
    for customer in range(shop["customers"]):
        if shop["monthly"]:
            first = int(rng.integers(0, min(30, shop["days"])))
            days = list(range(first, shop["days"], 30))
        else:
            count = 1 if shop["orders_each"] == 1 else 1 + rng.poisson(shop["orders_each"] - 1)
            count *= 40 if shop["big_customer"] and customer == 0 else 1
            days = sorted(rng.integers(0, shop["days"], count))
        for day in days:
            order += 1
            who = "" if rng.random() < shop["guest_share"] else f"c{customer}"
            at = start + timedelta(days=int(day), minutes=int(rng.integers(0, 700)))
            for _ in range(rng.integers(1, shop["lines_each"] + 1)):
                product = int(rng.integers(shop["products"]))
                quantity = int(rng.integers(1, 4))
                is_return = rng.random() < shop["return_share"]
                discount = (
                    prices[product] * quantity if rng.random() < shop["discount_share"] else ""
                )
                category = f"k{product % shop['categories']}" if shop["categories"] else ""
                lines.append(
                    f"{order},{who},p{product},{at},{-quantity if is_return else quantity},"
                    f"{prices[product]:.4f},{discount},{category}\n"
                )
    return "".join(lines)
