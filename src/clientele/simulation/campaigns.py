"""Campaigns of the simulated shop: who is in which arm, and the extra orders that an arm brings.

Campaigns have random numbers of their own: with or without them, all other orders are the same.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from clientele.simulation.files import ids, money
from clientele.simulation.shop import CAMPAIGN_AT, CAMPAIGN_DAYS, START


@dataclass(frozen=True)
class Campaign:
    """A planted campaign.

    Attributes:
        day: A Monday, so that an order that moves within its week is never before the campaign.
        share: Share of the customers who had bought by then that enter it.
        arms: Share of each arm; the arm `control` receives nothing.
        effects: Added probability of an order within two weeks, by arm.
        costs: Cost of a contact in pence, by arm.
        channel: How customers are contacted.
        only_single: The effect is on customers with exactly one purchase so far, on others none.
        is_randomised: Otherwise those who bought often in the last 180 days are chosen, and only
            those who received it are listed.
    """

    day: str
    share: float
    arms: dict
    effects: dict
    costs: dict
    channel: str = "email"
    only_single: bool = False
    is_randomised: bool = True


HALVES = {"treated": 0.5, "control": 0.5}
# `spring-2025` is older and shares the random numbers of the orders; see `customers.py`.
CAMPAIGNS = {
    "summer-2025": Campaign(
        "2025-06-02", 0.4, {"control": 0.34, "email": 0.33, "postcard": 0.33},
        {"email": 0.06, "postcard": 0.18}, {"email": 10, "postcard": 90},
    ),
    "vip-2025": Campaign(
        "2025-07-14", 0.3, {"treated": 1.0}, {"treated": 0.05}, {"treated": 150}, "post",
        is_randomised=False,
    ),
    "autumn-2025": Campaign("2025-09-01", 0.4, HALVES, {"treated": 0.0}, {"treated": 10}),
    "second-order-2025": Campaign(
        "2025-10-06", 0.5, HALVES, {"treated": 0.25}, {"treated": 10}, only_single=True
    ),
    "holiday-2025": Campaign("2025-12-15", 0.3, HALVES, {"treated": 0.10}, {"treated": 10}),
}  # fmt: skip
SPRING_COST = 10


def assign(rng, customer, day, size, effects_scale):
    """Return the members of all campaigns and the extra orders that these bring.

    Args:
        rng: Random numbers of the campaigns.
        customer: Customer of each order, from 0.
        day: Day of each order, from the start, with its fraction.
        size: Number of customers.
        effects_scale: Factor of the planted effects; 0 is none.

    Returns:
        A list of (campaign, customers, arms as numbers, whether each places an extra order), and
        customers and days of the extra orders.
    """
    members, extra_customers, extra_days = [], [], []
    for name, campaign in CAMPAIGNS.items():
        start = (np.datetime64(campaign.day) - START.astype("datetime64[D]")).astype(int)
        before = np.bincount(customer[day < start], minlength=size)
        recent = (day < start) & (day >= start - 180)
        often = np.bincount(customer[recent], minlength=size)
        chance = campaign.share * np.ones(size)
        if not campaign.is_randomised:
            chance = np.minimum(0.05 + 0.15 * often, 0.9) * campaign.share / 0.3
        who = np.flatnonzero((before > 0) & (rng.random(size) < chance))
        borders = np.cumsum(list(campaign.arms.values()))[:-1]
        arm = np.searchsorted(borders, rng.random(len(who)))
        effect = np.array([campaign.effects.get(a, 0.0) for a in campaign.arms])[arm]
        if campaign.only_single:
            effect = np.where(before[who] == 1, effect, 0.0)
        moved = rng.random(len(who)) < effect * effects_scale
        members.append((name, who, arm, moved))
        extra_customers.append(who[moved])
        extra_days.append(start + rng.uniform(0, CAMPAIGN_DAYS, moved.sum()))
    return members, np.concatenate(extra_customers), np.concatenate(extra_days)


def campaigns_table(members, first, spring, treated):
    """Lay out all campaigns of a chunk in the columns of the raw table `campaigns`.

    Args:
        members: See ``assign``.
        first: Number of the chunk's first customer.
        spring: Customers of `spring-2025`, from 0.
        treated: Whether each of them received it.
    """
    arms = {"treated": 0.5, "control": 0.5}
    known = {"spring-2025": Campaign(str(CAMPAIGN_AT), 0.6, arms, {}, {"treated": SPRING_COST})}
    parts = []
    for name, who, arm, _ in [("spring-2025", spring, np.where(treated, 0, 1), None), *members]:
        campaign = (known | CAMPAIGNS)[name]
        names = np.array(list(campaign.arms))[arm]
        held_out = names == "control"
        at = np.datetime64(campaign.day, "s")
        sent = np.full(len(who), at + np.timedelta64(10, "h"))
        pence = np.array([campaign.costs.get(a, 0) for a in campaign.arms], np.int64)[arm]
        parts.append(
            pa.table(
                {
                    "campaign_id": pa.array([name] * len(who), pa.string()),
                    "customer_id": ids("C", first + who),
                    "arm": pa.array(names, pa.string()),
                    "assigned_at": pa.array(np.full(len(who), at)).cast(pa.timestamp("us")),
                    "sent_at": pa.array(sent, mask=held_out).cast(pa.timestamp("us")),
                    "channel": pa.array([campaign.channel] * len(who), pa.string()),
                    "cost": money(pence),
                }
            )
        )
    return pa.concat_tables(parts)


def truth_of(members) -> dict:
    """Return customers and extra orders by campaign and arm."""
    found = {}
    for name, _, arm, moved in members:
        for number, of_arm in enumerate(CAMPAIGNS[name].arms):
            found[name, of_arm] = (int((arm == number).sum()), int(moved[arm == number].sum()))
    return found
