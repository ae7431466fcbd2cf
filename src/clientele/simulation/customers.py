"""Customers of one chunk and their behaviour."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clientele.simulation.campaigns import assign, campaigns_table, truth_of
from clientele.simulation.dirt import with_dirt
from clientele.simulation.files import NULL, ids, money
from clientele.simulation.shop import (
    BUNDLE_SHARE,
    CAMPAIGN_AT,
    CAMPAIGN_DAYS,
    COUPON_DISCOUNT,
    DAY,
    DAYS,
    ELASTICITY,
    GUEST_SHARE,
    PROMOTION_DISCOUNT,
    SEGMENTS,
    START,
)


class Chunk:
    """The customers of one chunk and everything they did; numbers only, texts come last."""

    def __init__(self, rng, catalogue, first, size):
        """Draw ``size`` customers, of whom ``first`` is the number of the first."""
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

    def simulate(self, uplift: float, campaign_rng, effects_scale: float):
        """Return (lines as arrays, table of customers, table of campaigns, their truth).

        ``uplift`` is that of the first campaign; ``effects_scale`` multiplies those of the others,
        which draw from ``campaign_rng``.
        """
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
        lines = with_dirt(self, self._lines(*self._orders(customer, day)))
        members, who_more, when_more = assign(campaign_rng, customer, day, self.size, effects_scale)
        if len(who_more):
            self.rng = campaign_rng
            more = self._lines(*self._orders(who_more, when_more))
            self.counts["guest_lines"] += int((more["customer"] < 0).sum())
            lines = {name: np.concatenate([lines[name], more[name]]) for name in lines}
        order = np.lexsort((np.arange(len(lines["at"])), lines["at"]))
        names = np.array(list(SEGMENTS))
        people = pa.table(
            {
                "customer_id": ids("C", self.first + np.arange(self.size)),
                "segment": pa.array(names[self.segment]),
                "purchase_rate": self.rate,
                "dropout_probability": self.dropout,
                "is_alive_at_end": alive_until >= DAYS,
                "is_alive_at_campaign": alive_until > campaign_day,
                "is_targeted": targeted,
                "is_treated": treated,
            }
        )
        spring = np.flatnonzero(targeted)
        campaigns = campaigns_table(members, self.first, spring, treated[spring])
        sorted_lines = {name: values[order] for name, values in lines.items()}
        return sorted_lines, people, campaigns, truth_of(members)

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
        # A product occurs once in an order.
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
            "buyer": self.first + buyer,
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

    def new_orders(self, number):
        """Return ``number`` order numbers that are not used yet."""
        self.next_order += number
        return np.arange(self.next_order - number, self.next_order)


def lines_table(lines: dict, file_format: str) -> pa.Table:
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
        pa.array(lines["code"] != ""), pa.array(lines["code"]), ids("P", lines["product"])
    )
    quantity = pa.array(lines["quantity"], mask=lines["quantity"] == NULL).cast(pa.int32())
    named = {
        0: "COUPON",
        **{int(week): f"W{int(week):03d}" for week in np.unique(promotion[promotion > 0])},
    }
    keys = np.array(sorted(named))
    texts = np.array([named[key] for key in keys.tolist()])
    place = np.searchsorted(keys, np.maximum(promotion, 0))
    return pa.table(
        {
            "order_id": ids(pa.array(lines["kind"]), lines["order"]),
            "customer_id": ids("C", lines["customer"]),
            "product_id": product,
            "ordered_at": ordered_at,
            "quantity": quantity,
            "unit_price": money(lines["price"]),
            "discount_amount": money(lines["discount"]),
            "channel": pa.array(np.array(["web", "app", "store"])[lines["channel"]]),
            "country": pa.array(np.array(["GB", "IE", "FR", "DE"])[lines["country"]]),
            "currency": pa.array(lines["currency"]),
            "promotion_id": pa.array(texts[place], mask=promotion < 0),
        }
    )
