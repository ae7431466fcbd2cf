"""What scores of a few customers need of all others: ranks, the calendar, expected orders."""

import json

import numpy as np


class Ranks:
    """The behaviour of all customers on the as-of date, sorted, to rank a few again.

    An RFM score is decided by how many customers have less. Sorted values show that at once, and
    the old values of the scored customers are taken out of them.
    """

    def __init__(self, connection, behaviour: str):
        """Read the relation ``behaviour``, `feat_customers__behaviour` of the build."""
        self.behaviour = behaviour
        found = connection.execute(
            f"select {_MEASURES} from {behaviour} where is_current"
        ).fetchnumpy()
        self.sorted = {name: np.sort(np.asarray(found[name])) for name in ("r", "f", "m")}

    def fill(self, scorer, moved_days: int) -> None:
        """Insert the RFM scores of the computed customers; the as-of date moved so many days."""
        execute = scorer.connection.execute
        behaviour = scorer.relation("feat_customers__behaviour")
        old = execute(
            f"select {_MEASURES} from {self.behaviour} "
            "where is_current and customer_id in (select customer_id from touched)"
        ).fetchnumpy()
        new = execute(
            f"select customer_id, {_MEASURES} from {behaviour} "
            "where is_current and customer_id in (select customer_id from touched)"
        ).fetchnumpy()
        count = len(self.sorted["r"]) - len(old["r"]) + len(new["r"])
        scored = {"customer_id": np.asarray(new["customer_id"], dtype=object)}
        for name in ("r", "f", "m"):
            # All days since the last order grow by the same.
            moved = -moved_days if name == "r" else 0
            below = sum(
                sign * np.searchsorted(np.sort(np.asarray(values)) + shift, np.asarray(new[name]))
                for sign, values, shift in (
                    (1, self.sorted[name], moved),
                    (-1, old[name], moved),
                    (1, new[name], 0),
                )
            )
            scored[f"{name}_score"] = (1 + np.floor(5.0 * below / max(count, 1))).astype(np.int32)
        scorer.connection.register("scored", scored)
        execute(
            f"""
            insert into {scorer.relation("feat_customers__rfm_scores")} by name
            select behaviour.customer_id, behaviour.as_of_date, behaviour.period_number,
                behaviour.is_current, behaviour.recency_days, behaviour.frequency,
                behaviour.monetary, scored.r_score, scored.f_score, scored.m_score,
                rfm_groups.rfm_group, rfm_groups.segment_key
            from {behaviour} as behaviour
            join scored on behaviour.customer_id = scored.customer_id
            join {scorer.relation("int_rfm_groups")} as rfm_groups
                on scored.r_score = rfm_groups.r_score and scored.f_score = rfm_groups.f_score
            where behaviour.is_current
            """
        )
        scorer.connection.unregister("scored")


# More is better in all three; whole numbers, which sort exactly.
_MEASURES = "-recency_days as r, frequency as f, cast(monetary * 10000 as bigint) as m"


class Calendar:
    """The season days of the build, from which days after its as-of date are counted too."""

    def __init__(self, connection, seasons: str):
        """Read the relation ``seasons``, `ml_clv__seasons` of the build."""
        found = connection.execute(
            f"select day_number, season_days from {seasons} order by day_number"
        ).fetchnumpy()
        self.numbers, self.days = np.asarray(found["day_number"]), np.asarray(found["season_days"])
        self.seasons = seasons

    def fill(self, connection, table: str, moved_days: int) -> None:
        """Insert the calendar, its clock set to ``moved_days`` days after the as-of date."""
        connection.execute(f"insert into {table} by name from {self.seasons}")
        if not moved_days or not len(self.numbers):
            return
        passed = np.round(self.days - self.days[np.searchsorted(self.numbers, moved_days)], 2)
        numbers = self.numbers - moved_days
        ahead = np.searchsorted(passed, np.arange(numbers[-1] + 1))
        # Too far ahead for the calendar, and for any forecast.
        ahead = ahead[ahead < len(numbers)]
        reached = np.full(len(numbers), np.nan)
        start = np.searchsorted(numbers, 0)
        reached[start : start + len(ahead)] = numbers[ahead]
        connection.register("moved", {"number": numbers, "passed": passed, "reached": reached})
        connection.execute(
            f"""
            create or replace temp table seasons_before as from {table};
            delete from {table};
            insert into {table} by name
            select moved.number as day_number, seasons.date_day, seasons.factor,
                moved.passed as season_days,
                (select min(date_day) from seasons_before where day_number = {moved_days})
                + cast(case when not isnan(moved.reached) then moved.reached end as int)
                as reached_date
            from moved
            join seasons_before as seasons on moved.number + {moved_days} = seasons.day_number;
            drop table seasons_before
            """
        )
        connection.unregister("moved")


def fill_expected_orders(scorer, moved_days: int) -> None:
    """Insert the expected orders of the customers' histories, from the build or computed."""
    execute, lookup = scorer.connection.execute, scorer.relation("ml_clv__expected_orders")
    stored = scorer.kept.stored(lookup)
    # The youngest history with each count decides the grid on which ranges are read off.
    execute(
        f"""
        create or replace temp table histories as
        select distinct x, t from {scorer.relation("ml_customers__season_histories")};
        create or replace temp table youngest as
        with others as (
            select x, min(t) + {moved_days} as t
            from {scorer.stored("feat_customers__purchase_days")}
            where x in (select x from histories)
                and customer_id not in (select customer_id from touched)
            group by x
        )
        select x, min(t) as t from (
            select others.x, round(0 - coalesce(seasons.season_days, -others.t), 2) as t
            from others
            left join {scorer.relation("ml_clv__seasons")} as seasons
                on -others.t = seasons.day_number
            union all from histories
        ) group by x;
        insert into {lookup} by name
        select expected.* from {stored} as expected
        join histories on expected.x = histories.x and expected.t = histories.t
        join (
            select x, min(t) as t from {stored} where x in (select x from histories) group by x
        ) as first on expected.x = first.x
        join youngest on first.x = youngest.x and first.t = youngest.t
        """
    )
    missing = execute(
        f"from histories where (x, t) not in (select (x, t) from {lookup})"
    ).fetchall()
    fitted = scorer.count("ml_clv__parameters")
    if not missing or not fitted:
        return
    # Only now, because they take a second to load.
    import pandas as pd

    from clientele.value.scoring import LOOKUP_TYPES, expected_orders

    parameters = execute(f"from {scorer.relation('ml_clv__parameters')}").df()
    passed = execute(
        f"select horizon_days, season_days from {scorer.relation('ml_clv__calibration')}"
    ).fetchall()
    youngest = execute("from youngest").fetchall()
    found = expected_orders(
        parameters,
        pd.DataFrame([*missing, *youngest], columns=["x", "t"]),
        season_days=dict(passed),
        **json.loads(scorer.kept.models["ml_clv__expected_orders"].code),
    )
    columns = ", ".join(f"cast({name} as {kind}) as {name}" for name, kind in LOOKUP_TYPES.items())
    scorer.connection.register("found", found)
    execute(
        f"insert into {lookup} by name select {columns} from found "
        f"where (x, t) in (select (x, t) from histories) "
        f"and (x, t) not in (select (x, t) from {lookup})"
    )
    scorer.connection.unregister("found")
