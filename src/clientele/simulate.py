"""Simulate a shop's raw order lines with planted truth, and planted dirt of known counts.

Customers are made in chunks, each from a seed of its own, so that memory stays constant and no
chunk depends on another. See docs/simulator.md for what is planted.
"""

import json
import shutil
from decimal import Decimal
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet
from tqdm import tqdm

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

# Lines of each defect per clean line; at least one of each in the first chunk.
DIRT = {
    "missing_order_id": 0.0002,
    "missing_product_id": 0.0003,
    "invalid_timestamp": 0.0004,
    "invalid_quantity": 0.0003,
    "invalid_price": 0.0002,
    "duplicate": 0.0050,
    "future_date": 0.0002,
    "unknown_currency": 0.0004,
    "test_row": 0.0002,
    "adjustment": 0.0001,
    "non_product": 0.0080,
    "negative_price": 0.0001,
    "zero_price": 0.0010,
}
REVERSALS_PER_LINE = 0.00005
RETURN_SHARE = 0.025
UNMATCHED_SHARE = 0.0005
GUEST_SHARE = 0.03
FEES = np.array(["POST", "DOT", "M", "BANK CHARGES"])
FORMATS = ("parquet", "jsonl", "csv")

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


def generate(
    output_dir: Path,
    *,
    customers: int,
    seed: int = 1,
    file_format: str = "parquet",
    products: int = 200,
    campaign_uplift: float = 0.10,
    chunk_customers: int = 20_000,
    progress: bool = True,
) -> dict:
    """Write order lines, products and campaigns, and the truth about them, to ``output_dir``.

    ``order_lines/part-*`` and ``campaigns/part-*`` have one file per chunk of customers, so has
    ``truth/customers``; ``products`` is one file and ``truth/truth.json`` the summary, which is
    also returned. The same arguments give the same bytes. ``campaign_uplift`` is the added
    probability of an order within two weeks for a treated customer who is still alive; 0 turns
    the campaign's effect off.

    Raises:
        ValueError: an argument out of range, or ``output_dir`` is not empty; nothing is written.
    """
    output_dir = Path(output_dir)
    if not 1 <= customers <= 10_000_000:
        raise ValueError(f"customers={customers}: choose 1 to 10,000,000")
    if not 2 * len(CATEGORIES) <= products <= 100_000:
        raise ValueError(f"products={products}: choose {2 * len(CATEGORIES)} to 100,000")
    if file_format not in FORMATS:
        raise ValueError(f"file_format='{file_format}': choose one of {', '.join(FORMATS)}")
    if not 0 <= campaign_uplift <= 1:
        raise ValueError(f"campaign_uplift={campaign_uplift}: a probability is from 0 to 1")
    if output_dir.exists() and (not output_dir.is_dir() or any(output_dir.iterdir())):
        raise ValueError(f"{output_dir} is not empty; name a new folder, or empty it")

    unfinished = output_dir.with_name(f".{output_dir.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    for folder in ("order_lines", "campaigns", "truth/customers"):
        (unfinished / folder).mkdir(parents=True)

    root = np.random.SeedSequence(seed)
    catalogue = _catalogue(np.random.default_rng(root.spawn(1)[0]), products)
    _write(_products_table(catalogue), unfinished / f"products.{file_format}", file_format)
    chunks = -(-customers // chunk_customers)
    rows, amounts = {}, {}
    counts = {"guest_lines": 0, "matched_return_lines": 0, "unmatched_return_lines": 0}
    bar = tqdm(total=customers, unit=" customers", disable=None if progress else True)
    with bar:
        for index, child in enumerate(root.spawn(chunks)):
            first = index * chunk_customers
            size = min(chunk_customers, customers - first)
            chunk = _Chunk(np.random.default_rng(child), catalogue, first, size)
            lines, people, campaign = chunk.simulate(campaign_uplift)
            part = f"part-{index:05d}"
            _write(
                _lines_table(lines, file_format),
                unfinished / f"order_lines/{part}.{file_format}",
                file_format,
            )
            _write(campaign, unfinished / f"campaigns/{part}.{file_format}", file_format)
            pa.parquet.write_table(people, unfinished / f"truth/customers/{part}.parquet")
            reasons, which = np.unique(lines["reason"], return_inverse=True)
            cents = np.where(lines["quantity"] == _NULL, 0, lines["quantity"]) * np.where(
                lines["price"] == _NULL, 0, lines["price"]
            )
            for i, reason in enumerate(reasons.tolist()):
                rows[reason] = rows.get(reason, 0) + int((which == i).sum())
                amounts[reason] = amounts.get(reason, 0) + int(cents[which == i].sum())
            for name, found in chunk.counts.items():
                counts[name] += found
            bar.update(size)

    truth = {
        "customers": customers,
        "seed": seed,
        "rows": dict(sorted(rows.items())),
        "amounts": {k: str(Decimal(v) / 100) for k, v in sorted(amounts.items())},
        **counts,
        "segments": SEGMENTS,
        "bundles": [[f"P{i}" for i in bundle] for bundle in catalogue["bundles"]],
        "bundle_share": BUNDLE_SHARE,
        "elasticity": ELASTICITY,
        "campaign_uplift": campaign_uplift,
    }
    (unfinished / "truth/truth.json").write_text(json.dumps(truth, indent=1) + "\n")
    if output_dir.exists():
        output_dir.rmdir()
    unfinished.rename(output_dir)
    return truth


def write_sample(project: Path) -> dict:
    """Write the bundled sample: two seeds, and its truth for the tests."""
    made = Path(project) / "target/sample"
    shutil.rmtree(made, ignore_errors=True)
    made.parent.mkdir(exist_ok=True)
    truth = generate(made, customers=3_000, file_format="csv", progress=False)
    seeds, truths = Path(project) / "seeds/sample", Path(project) / "tests/python/sample_truth"
    truths.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(made / "order_lines/part-00000.csv", seeds / "sample_order_lines.csv")
    shutil.copyfile(made / "products.csv", seeds / "sample_products.csv")
    shutil.copyfile(made / "truth/truth.json", truths / "truth.json")
    people = pa.parquet.read_table(made / "truth/customers/part-00000.parquet")
    _write(people.select(["customer_id", "segment"]), truths / "customers.csv", "csv")
    shutil.rmtree(made)
    return truth


_NULL = np.iinfo(np.int64).min


def _catalogue(rng: np.random.Generator, products: int) -> dict:
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


def _products_table(catalogue: dict) -> pa.Table:
    """Lay the catalogue out with names that are unique and can be read."""
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
            "unit_cost": _money(catalogue["cost"]),
            "list_price": _money(catalogue["pence"]),
        }
    )


class _Chunk:
    """The customers of one chunk and everything they did; numbers only, texts come last."""

    def __init__(self, rng, catalogue, first, size):
        self.rng, self.catalogue, self.first, self.size = rng, catalogue, first, size
        # Room for more orders than customers have.
        self.next_order = first * 1_000
        self.counts = {}
        parameters = {
            name: np.array([segment[name] for segment in SEGMENTS.values()])
            for name in ("r", "alpha", "a", "b", "basket", "units", "coupon", "evening", "weekend")
        }
        shares = [segment["share"] for segment in SEGMENTS.values()]
        self.segment = rng.choice(len(SEGMENTS), size, p=shares)
        self.of = {name: values[self.segment] for name, values in parameters.items()}
        self.rate = rng.gamma(self.of["r"]) / self.of["alpha"]
        self.dropout = rng.beta(self.of["a"], self.of["b"])

    def simulate(self, uplift: float):
        """Return (lines as arrays, table of customers, table of the campaign)."""
        customer, day, alive_until = self._purchase_times()
        campaign_day = (CAMPAIGN_AT - START.astype("datetime64[D]")).astype(int)
        acquired = np.full(self.size, np.inf)
        np.minimum.at(acquired, customer, day)
        targeted = (acquired < campaign_day) & (self.rng.random(self.size) < 0.6)
        treated = targeted & (self.rng.random(self.size) < 0.5)
        moved = treated & (alive_until > campaign_day) & (self.rng.random(self.size) < uplift)
        extra = np.flatnonzero(moved)
        customer = np.concatenate([customer, extra])
        day = np.concatenate([day, campaign_day + self.rng.uniform(0, CAMPAIGN_DAYS, len(extra))])
        lines = self._with_dirt(self._lines(*self._orders(customer, day)))
        order = np.lexsort((np.arange(len(lines["at"])), lines["at"]))
        names = np.array(list(SEGMENTS))
        people = pa.table(
            {
                "customer_id": _ids("C", self.first + np.arange(self.size)),
                "segment": pa.array(names[self.segment]),
                "purchase_rate": self.rate,
                "dropout_probability": self.dropout,
                "is_alive_at_end": alive_until >= DAYS,
                "is_alive_at_campaign": alive_until > campaign_day,
                "is_targeted": targeted,
                "is_treated": treated,
            }
        )
        who = np.flatnonzero(targeted)
        campaign = pa.table(
            {
                "campaign_id": pa.array(["spring-2025"] * len(who), pa.string()),
                "customer_id": _ids("C", self.first + who),
                "is_treated": treated[who],
                "sent_at": pa.array([str(CAMPAIGN_AT)] * len(who), pa.string()),
            }
        )
        return {name: values[order] for name, values in lines.items()}, people, campaign

    def _purchase_times(self):
        """BG/NBD: exponential gaps at the customer's rate, a chance to leave after each repeat."""
        now = self.rng.uniform(0, DAYS, self.size)
        customers, days = [np.arange(self.size)], [now.copy()]
        alive_until = np.full(self.size, np.inf)
        active = np.arange(self.size)
        while len(active):
            now[active] += self.rng.exponential(1, len(active)) / self.rate[active]
            active = active[now[active] < DAYS]
            customers.append(active)
            days.append(now[active])
            left = self.rng.random(len(active)) < self.dropout[active]
            alive_until[active[left]] = now[active[left]]
            active = active[~left]
        return np.concatenate(customers), np.concatenate(days), alive_until

    def _orders(self, customer, day):
        """Give each order its time of day, in the segment's habit, and keep it in the period."""
        whole = np.floor(day).astype(np.int64)
        weekday = (whole + START.astype("datetime64[D]").astype(int) + 3) % 7
        wants = self.rng.random(len(day)) < self.of["weekend"][customer]
        target = np.where(
            wants, self.rng.integers(5, 7, len(day)), self.rng.integers(0, 5, len(day))
        )
        # Within the week only, so that gaps between orders keep their length by and large.
        shifted = np.where(wants == (weekday >= 5), whole, whole - weekday + target)
        whole = np.where((shifted >= 0) & (shifted < DAYS), shifted, whole)
        late = self.rng.random(len(day)) < self.of["evening"][customer]
        second = np.where(
            late, self.rng.integers(18 * 3600, 23 * 3600, len(day)),
            self.rng.integers(8 * 3600, 18 * 3600, len(day)),
        )  # fmt: skip
        order = np.lexsort((second, whole, customer))
        return customer[order], (whole * DAY + second)[order]

    def _lines(self, customer, at):
        """Fill each order with products, bundles and quantities, at the prices of its week."""
        rng, catalogue, count = self.rng, self.catalogue, len(customer)
        size = np.minimum(1 + rng.poisson(self.of["basket"][customer] - 1), 12)
        order = np.repeat(np.arange(count), size)
        preference = np.cumsum([segment["category"] for segment in SEGMENTS.values()], axis=1)
        preference[:, -1] = 1.0
        draw = rng.random(len(order))
        category = (draw[:, None] > preference[self.segment[customer[order]]]).sum(axis=1)
        product = np.empty(len(order), np.int64)
        draw = rng.random(len(order))
        for i, members in enumerate(catalogue["members"]):
            of_category = category == i
            place = np.searchsorted(catalogue["cumulative"][i], draw[of_category])
            product[of_category] = members[np.minimum(place, len(members) - 1)]
        for anchor, *drawn in catalogue["bundles"]:
            holders = np.unique(order[product == anchor])
            holders = holders[rng.random(len(holders)) < BUNDLE_SHARE]
            for partner in drawn:
                order = np.concatenate([order, holders])
                product = np.concatenate([product, np.full(len(holders), partner)])
        # A product stands once in an order.
        order, product = np.divmod(
            np.unique(order * len(catalogue["pence"]) + product), len(catalogue["pence"])
        )
        buyer, when = customer[order], at[order]
        promoted = catalogue["promoted"][product, when // (7 * DAY)]
        coupon = ~promoted & (rng.random(len(order)) < self.of["coupon"][buyer])
        demand = self.of["units"][buyer] * np.where(
            promoted, (1 - PROMOTION_DISCOUNT) ** ELASTICITY, 1
        )
        quantity = 1 + rng.poisson(demand - 1)
        pence = catalogue["pence"][product]
        share = np.where(promoted, PROMOTION_DISCOUNT, np.where(coupon, COUPON_DISCOUNT, 0))
        guest = rng.random(count) < GUEST_SHARE
        channels = np.cumsum([segment["channel"] for segment in SEGMENTS.values()], axis=1)
        channel = (rng.random(count)[:, None] > channels[self.segment[customer]]).sum(axis=1)
        country = np.searchsorted([0.85, 0.92, 0.97], rng.random(self.size))
        self.next_order += count
        return {
            "order": self.next_order - count + order,
            "kind": np.full(len(order), "O"),
            "customer": np.where(guest[order], -1, self.first + buyer),
            "product": product,
            "code": np.full(len(order), "", "U12"),
            "at": when,
            "quantity": quantity.astype(np.int64),
            "price": pence,
            "discount": np.round(quantity * pence * share).astype(np.int64),
            "channel": np.minimum(channel, 2)[order],
            "country": country[buyer],
            "promotion": np.where(promoted, when // (7 * DAY) + 1, np.where(coupon, 0, -1)),
            "currency": np.full(len(order), "GBP"),
            "bad_time": np.zeros(len(order), bool),
            "reason": np.full(len(order), "accepted", "U18"),
        }

    def _with_dirt(self, clean):
        """Add returns, and extra lines that have one defect each."""
        rng, count = self.rng, len(clean["order"])
        returns = self._returns(clean)
        unmatched = self._unbought(clean, self._number(UNMATCHED_SHARE, count), "R", -1)
        self.counts = {
            "matched_return_lines": len(returns["order"]),
            "unmatched_return_lines": len(unmatched["order"]),
            "guest_lines": int((clean["customer"] < 0).sum()),
        }
        parts = [clean, returns, unmatched, *self._reversal(clean, count)]
        for reason, share in DIRT.items():
            copied = rng.choice(count, min(self._number(share, count), count), replace=False)
            dirt = {name: values[copied].copy() for name, values in clean.items()}
            dirt["reason"][:] = reason
            if reason != "duplicate":
                # Of an order of its own: nothing then connects it with a clean line.
                dirt["order"] = self._new_orders(len(copied))
            if reason == "missing_order_id":
                dirt["order"][:] = -1
            elif reason == "missing_product_id":
                dirt["product"][:] = -1
            elif reason == "invalid_timestamp":
                dirt["bad_time"][:] = True
            elif reason == "invalid_quantity":
                dirt["quantity"] = np.where(rng.random(len(copied)) < 0.5, 0, _NULL)
            elif reason == "invalid_price":
                dirt["price"][:] = _NULL
            elif reason == "future_date":
                dirt["at"] += 75 * 365 * DAY
            elif reason == "unknown_currency":
                dirt["currency"][:] = "XXX"
            elif reason == "test_row":
                dirt["code"][:] = "TEST001"
            elif reason == "adjustment":
                dirt["kind"][:] = "A"
                dirt["code"][:] = "B"
                dirt["customer"][:] = -1
                dirt["quantity"][:] = 1
                dirt["price"] *= -1
            elif reason == "non_product":
                dirt["code"] = rng.choice(FEES, len(copied))
                dirt["quantity"][:] = 1
                dirt["price"][:] = 495
            elif reason == "negative_price":
                dirt["price"] *= -1
            elif reason == "zero_price":
                dirt["price"][:] = 0
            if reason != "duplicate":
                dirt["discount"][:] = 0
            parts.append(dirt)
        return {name: np.concatenate([part[name] for part in parts]) for name in clean}

    def _returns(self, clean):
        """Give back some lines, in whole or part, up to 30 days later.

        Only what the customer bought once: so it is certain which purchase a return belongs to.
        """
        rng = self.rng
        pair = clean["customer"] * len(self.catalogue["pence"]) + clean["product"]
        _, where, times = np.unique(pair, return_index=True, return_counts=True)
        once = where[(times == 1) & (clean["customer"][where] >= 0)]
        # Higher than the share of all lines, since only these can come back.
        chosen = np.sort(once[rng.random(len(once)) < RETURN_SHARE * len(pair) / max(len(once), 1)])
        back = {name: values[chosen].copy() for name, values in clean.items()}
        back["at"] += rng.integers(DAY, 30 * DAY, len(chosen))
        in_time = back["at"] < DAYS * DAY
        back = {name: values[in_time] for name, values in back.items()}
        bought = back["quantity"]
        part = rng.integers(1, bought + 1)
        given_back = np.where(rng.random(len(bought)) < 0.7, bought, part)
        back["discount"] = -np.round(back["discount"] * given_back / bought).astype(np.int64)
        back["quantity"] = -given_back
        back["kind"][:] = "R"
        back["order"] = self._new_orders(len(bought))
        back["promotion"][:] = -1
        return back

    def _unbought(self, clean, number, kind, quantity):
        """Lines of customers with products that they never bought."""
        rng, products = self.rng, len(self.catalogue["pence"])
        copied = rng.choice(len(clean["order"]), number)
        copied = copied[clean["customer"][copied] >= 0]
        lines = {name: values[copied].copy() for name, values in clean.items()}
        lines["product"] = rng.integers(0, products, len(copied))
        bought = clean["customer"] * products + clean["product"]
        chosen = lines["customer"] * products + lines["product"]
        _, earliest = np.unique(chosen, return_index=True)
        keep = np.sort(earliest[~np.isin(chosen[earliest], bought)])
        lines = {name: values[keep] for name, values in lines.items()}
        lines["price"] = self.catalogue["pence"][lines["product"]]
        lines["quantity"][:] = quantity
        lines["discount"][:] = 0
        lines["promotion"][:] = -1
        lines["kind"][:] = kind
        lines["order"] = self._new_orders(len(keep))
        return lines

    def _reversal(self, clean, count):
        """An absurd quantity bought, and wholly cancelled within two days."""
        bought = self._unbought(clean, self._number(REVERSALS_PER_LINE, count), "O", 12_000)
        early = bought["at"] < (DAYS - 3) * DAY
        bought = {name: values[early] for name, values in bought.items()}
        bought["reason"][:] = "reversed_purchase"
        undone = {name: values.copy() for name, values in bought.items()}
        undone["at"] += self.rng.integers(600, 2 * DAY, len(undone["at"]))
        undone["quantity"] *= -1
        undone["kind"][:] = "R"
        undone["order"] = self._new_orders(len(undone["order"]))
        return bought, undone

    def _number(self, share, count):
        """How many lines a share of ``count`` makes; in the first chunk enough to be seen."""
        return max(int(round(share * count)), 0 if self.first else 3)

    def _new_orders(self, number):
        self.next_order += number
        return np.arange(self.next_order - number, self.next_order)


def _lines_table(lines: dict, file_format: str) -> pa.Table:
    """Turn a chunk's numbers into the columns of a raw file."""
    promotion = lines["promotion"]
    at = START + lines["at"].astype("timedelta64[s]")
    if file_format == "parquet":
        ordered_at = pa.array(at, pa.timestamp("s"), mask=lines["bad_time"]).cast(
            pa.timestamp("us")
        )
    else:
        texts = pc.strftime(pa.array(at), format="%Y-%m-%d %H:%M:%S")
        unreadable = pa.array(np.where(lines["at"] % 2, "n/a", "2024-13-45 10:00:00"))
        ordered_at = pc.if_else(pa.array(lines["bad_time"]), unreadable, texts)
    product = pc.if_else(
        pa.array(lines["code"] != ""), pa.array(lines["code"]), _ids("P", lines["product"])
    )
    quantity = pa.array(lines["quantity"], mask=lines["quantity"] == _NULL).cast(pa.int32())
    named = {
        0: "COUPON",
        **{int(week): f"W{int(week):03d}" for week in np.unique(promotion[promotion > 0])},
    }
    keys = np.array(sorted(named))
    texts = np.array([named[key] for key in keys.tolist()])
    place = np.searchsorted(keys, np.maximum(promotion, 0))
    return pa.table(
        {
            "order_id": _ids(pa.array(lines["kind"]), lines["order"]),
            "customer_id": _ids("C", lines["customer"]),
            "product_id": product,
            "ordered_at": ordered_at,
            "quantity": quantity,
            "unit_price": _money(lines["price"]),
            "discount_amount": _money(lines["discount"]),
            "channel": pa.array(np.array(["web", "app", "store"])[lines["channel"]]),
            "country": pa.array(np.array(["GB", "IE", "FR", "DE"])[lines["country"]]),
            "currency": pa.array(lines["currency"]),
            "promotion_id": pa.array(texts[place], mask=promotion < 0),
        }
    )


def _ids(prefix, numbers: np.ndarray) -> pa.Array:
    """Join a prefix and a number; a negative number is no key at all."""
    texts = pa.array(numbers, mask=numbers < 0).cast(pa.string())
    return pc.binary_join_element_wise(prefix, texts, "")


def _money(pence: np.ndarray) -> pa.Array:
    """Turn whole pence into decimals of two places."""
    known = pa.array(pence, mask=pence == _NULL).cast(pa.decimal128(19, 0))
    scaled = pc.multiply(known, pa.scalar(Decimal("0.01"), pa.decimal128(3, 2)))
    return scaled.cast(pa.decimal128(18, 2))


def _write(table: pa.Table, path: Path, file_format: str) -> None:
    """Write a table in one of the formats; the same table gives the same bytes."""
    if file_format == "parquet":
        pa.parquet.write_table(table, path, compression="zstd")
        return
    options = "format csv, header" if file_format == "csv" else "format json"
    with duckdb.connect() as connection:
        connection.execute("set threads = 1")
        connection.register("simulated", table)
        connection.execute(f"copy simulated to '{path}' ({options})")
