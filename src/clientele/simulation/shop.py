"""The simulated shop: segments, products and effects that tests find again."""

import numpy as np
import pyarrow as pa

from clientele.simulation.files import money

START = np.datetime64("2024-01-01", "s")
DAYS = 731
DAY = 86_400
CATEGORIES = [
    "Groceries",
    "Household",
    "Toys",
    "Garden",
    "Fashion",
    "Beauty",
    "Electronics",
    "Jewellery",
]
PRICE_LEVELS = np.array([3.0, 7.0, 14.0, 20.0, 45.0, 30.0, 110.0, 180.0])
# Purchases follow BG/NBD (r, alpha, a, b) in days; category is a distribution over CATEGORIES.
SEGMENTS = {
    "champions": {
        "share": 0.10, "r": 5.0, "alpha": 150.0, "a": 1.0, "b": 24.0,
        "basket": 3.0, "units": 1.3, "coupon": 0.02, "evening": 0.15, "weekend": 0.25,
        "channel": [0.3, 0.6, 0.1],
        "category": [0.02, 0.03, 0.03, 0.07, 0.35, 0.30, 0.10, 0.10],
    },
    "families": {
        "share": 0.20, "r": 5.0, "alpha": 280.0, "a": 1.0, "b": 18.0,
        "basket": 4.0, "units": 3.2, "coupon": 0.05, "evening": 0.10, "weekend": 0.90,
        "channel": [0.2, 0.1, 0.7],
        "category": [0.45, 0.30, 0.20, 0.05, 0.0, 0.0, 0.0, 0.0],
    },
    "bargain_hunters": {
        "share": 0.20, "r": 5.0, "alpha": 290.0, "a": 1.0, "b": 14.0,
        "basket": 2.4, "units": 1.6, "coupon": 0.92, "evening": 0.20, "weekend": 0.25,
        "channel": [0.7, 0.2, 0.1],
        "category": [0.05, 0.30, 0.20, 0.35, 0.10, 0.0, 0.0, 0.0],
    },
    "evening_professionals": {
        "share": 0.20, "r": 5.0, "alpha": 290.0, "a": 1.0, "b": 14.0,
        "basket": 1.5, "units": 1.1, "coupon": 0.02, "evening": 0.95, "weekend": 0.15,
        "channel": [0.4, 0.6, 0.0],
        "category": [0.0, 0.0, 0.02, 0.03, 0.10, 0.15, 0.60, 0.10],
    },
    "gift_buyers": {
        "share": 0.30, "r": 0.6, "alpha": 300.0, "a": 1.5, "b": 2.5,
        "basket": 1.2, "units": 1.1, "coupon": 0.04, "evening": 0.10, "weekend": 0.20,
        "channel": [0.8, 0.1, 0.1],
        "category": [0.0, 0.05, 0.50, 0.30, 0.05, 0.05, 0.0, 0.05],
    },
}  # fmt: skip
ELASTICITY = -1.8
PROMOTION_DISCOUNT = 0.20
COUPON_DISCOUNT = 0.30
BUNDLE_SHARE = 0.6
CAMPAIGN_AT = np.datetime64("2025-03-03", "D")
CAMPAIGN_DAYS = 14
GUEST_SHARE = 0.03
_FIRST = (
    "Amber Ash Birch Blue Cedar Cherry Clover Copper Coral Crimson Ebony Fern Flint Golden Hazel "
    "Indigo Ivory Jade Linen Maple Misty Oak Olive Opal Pearl Pine Rose Ruby Sage Sandy Silver "
    "Slate Sunny Teal Violet Walnut Willow"
).split()
_NOUNS = {
    "Groceries": "Coffee Pasta Honey Granola Olives Crackers",
    "Household": "Mug Towel Candle Basket Tray Jug",
    "Toys": "Puzzle Kite Blocks Doll Yo-yo Marbles",
    "Garden": "Planter Trowel Lantern Feeder Hose Bench",
    "Fashion": "Scarf Belt Shirt Hat Boots Jacket",
    "Beauty": "Soap Serum Balm Lotion Brush Perfume",
    "Electronics": "Speaker Charger Lamp Camera Headset Keyboard",
    "Jewellery": "Ring Brooch Bracelet Necklace Watch Earrings",
}


def make_catalogue(rng: np.random.Generator, products: int) -> dict:
    """Make products: category, price in pence, popularity, promotion weeks, and bundles of them."""
    number = np.arange(products)
    category = number % len(CATEGORIES)
    place = number // len(CATEGORIES)
    price = PRICE_LEVELS[category] * np.exp(rng.normal(0, 0.25, products))
    in_category = [number[category == i] for i in range(len(CATEGORIES))]
    weight = 1 / (place + 1.0) ** 0.9
    # The first product of each category draws the last of it along; two of them the last two.
    bundles = [
        [int(members[0]), *(int(m) for m in members[-(2 if i in (0, 4) else 1) :])]
        for i, members in enumerate(in_category)
    ]
    return {
        "category": category,
        "pence": np.maximum(np.round(price * 100), 50).astype(np.int64),
        "cost": np.round(price * 100 * rng.uniform(0.4, 0.7, products)).astype(np.int64),
        "members": in_category,
        "cumulative": [np.cumsum(weight[m]) / weight[m].sum() for m in in_category],
        "promoted": rng.random((products, DAYS // 7 + 1)) < 0.08,
        "bundles": bundles,
    }


def products_table(catalogue: dict) -> pa.Table:
    """Make the catalogue, with names that are unique and can be read."""
    names = []
    for i, category in enumerate(catalogue["category"]):
        nouns = _NOUNS[CATEGORIES[category]].split()
        turn, place = divmod(i // len(CATEGORIES), len(nouns) * len(_FIRST))
        # 5 and the number of first words share no divisor: neighbours differ in both words.
        name = f"{_FIRST[(place * 5 + category) % len(_FIRST)]} {nouns[place % len(nouns)]}"
        names.append(name if turn == 0 else f"{name} No {turn + 1}")
    return pa.table(
        {
            "product_id": [f"P{i}" for i in range(len(names))],
            "product_name": names,
            "category": [CATEGORIES[i] for i in catalogue["category"]],
            "unit_cost": money(catalogue["cost"]),
            "list_price": money(catalogue["pence"]),
        }
    )
