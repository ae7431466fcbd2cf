"""Compute for a few customers what a build computes for all, in memory, by the SQL of the build.

A `Scorer` holds an empty copy of the warehouse: tables about the shop as a whole (products, rules,
parameters of fits) are filled once, tables about customers at each call, with the lines of the
scored customers only. Between calls it does not hold the warehouse's file, so builds can run.
"""

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from threading import Lock

import duckdb

from clientele.scoring.answers import answers
from clientele.scoring.kept import Kept, read_kept
from clientele.scoring.lines import STAGED, map_lines, name_known_persons, staging_of
from clientele.scoring.others import Calendar, Ranks, fill_expected_orders
from clientele.sources.common import literal

ALIAS = "scored_warehouse"
# Models that are computed for the scored customers, in this order. Views among them are computed
# by their readers.
COMPUTED = [
    "int_returns",
    "int_orders",
    "feat_customers__behaviour",
    "feat_customers__purchase_days",
    "feat_customers__numbers",
    "feat_customer_products",
    "feat_customer_categories",
    "fct_customer_features",
    "ml_customers__behaviour",
    "feat_baskets__orders",
    "feat_baskets",
    "ml_customers__itemsets",
    "ml_customers__baskets",
    "feat_customers__rfm_scores",
    "ml_customers__segments",
    "ml_clv__expected_orders",
    "fct_customer_values",
    "ml_recommendations__customers",
    "ml_recommendations__links",
    "ml_recommendations__lists",
    "fct_product_recommendations",
]
BASKETS = ["feat_baskets__orders", "feat_baskets", "ml_customers__itemsets", "ml_customers__baskets"]
# Filled at each call by Python or from the warehouse, before the models above.
FILLED = [
    "stg_order_lines",
    "int_order_lines__screened",
    "int_touched_orders",
    "int_touched_customers",
    "int_as_of_dates",
    "ml_clv__seasons",
]
# Plans of fewer customers are kept; for more, a plan for their number is worth its time.
FEW = 1_000
NO_DAY = date(9999, 12, 31)


@dataclass
class Scores:
    """The answer to a call.

    Attributes:
        customers: A dictionary per customer of the lines, by id; see docs/score.md.
        notes: What was left out, in sentences.
        as_of_date: The day for which the scores hold.
        build_id: The build whose parameters they use.
    """

    customers: list[dict]
    notes: list[str] = field(default_factory=list)
    as_of_date: date | None = None
    build_id: str = ""


class Scorer:
    """Scores customers with the last build of one warehouse; safe to call from several threads."""

    def __init__(self, place: Path, today: str):
        """Read what the warehouse at ``place`` has about the shop. ``today`` is a YYYY-MM-DD.

        Raises:
            ValueError: no warehouse, one that a build is writing to, or no build that passed.
        """
        self.place, self.today, self._lock = place, today, Lock()
        self.connection = duckdb.connect(config={"threads": 2})
        self.connection.execute("set TimeZone = 'UTC'")
        self._planned = set()
        with self._warehouse():
            self.kept = read_kept(self.connection, ALIAS, str(place))
            self.connection.execute(f'attach \':memory:\' as "{self.kept.database}"')
            self._known = set()
            for name in [*FILLED, *COMPUTED]:
                self._make_empty(name)
            for name in ["int_order_lines__screened", *COMPUTED]:
                self._provide(self.kept.models[name].relation)
                if self.kept.models[name].materialized != "python":
                    self._provide_all(self.kept.models[name].code)
            for name in ["int_rfm_groups", "dim_segments"]:
                self._provide(self._relation(name))
            as_of_dates = self._stored("int_as_of_dates")
            self.as_of_dates = self.connection.execute(
                f"select as_of_date, period_number, is_current, is_forward_cutoff "
                f"from {as_of_dates} order by period_number"
            ).fetchall()
            self.ranks = Ranks(self.connection, self._stored("feat_customers__behaviour"))
            self.calendar = Calendar(self.connection, self._stored("ml_clv__seasons"))
        self._has_baskets = self._count("ml_segmentation__in_force", "segmentation = 'baskets'") > 0

    @property
    def as_of_date(self) -> date:
        """The as-of date of the build."""
        return self.as_of_dates[0][0]

    def score(self, lines, as_of: date | None = None) -> Scores:
        """Score the customers of ``lines``, which are added to what the warehouse has of them.

        ``lines`` is as for `clientele.scoring.lines.map_lines`; ``as_of`` as for `score`.
        """
        if as_of is not None and as_of < self.as_of_date:
            raise ValueError(
                f"the build is as of {self.as_of_date}, and scores cannot go back to {as_of}; "
                f"run `clientele build --as-of {as_of}`"
            )
        with self._lock:
            notes = map_lines(self.connection, self.kept, lines)
            for name in [*FILLED, *COMPUTED]:
                self.connection.execute(f"delete from {self._relation(name)}")
            with self._warehouse():
                notes += self._gather()
                as_of = self._screen(as_of)
                self._compute(as_of)
                return Scores(answers(self), notes, as_of, self.kept.build_id)

    # ------------------------------------------------------------------------ the warehouse's file

    @contextmanager
    def _warehouse(self):
        """Attach the warehouse, to read only; detach it afterwards."""
        if not self.place.is_file():
            raise ValueError(f"no warehouse at {self.place}; run `clientele build`")
        try:
            self.connection.execute(f"attach {literal(self.place)} as {ALIAS} (read_only)")
        except duckdb.IOException as error:
            if "lock" not in str(error).lower():
                raise ValueError(f"{self.place} cannot be read: {error}") from None
            raise ValueError(
                f"a build is writing to {self.place}; score when it has ended, or from a copy"
            ) from None
        try:
            yield
        finally:
            self.connection.execute(f"detach {ALIAS}")

    def _relation(self, name):
        return self.kept.models[name].relation

    def _stored(self, name):
        return self.kept.stored(self._relation(name), ALIAS)

    def _count(self, name, condition="true"):
        query = f"select count(*) from {self._relation(name)} where {condition}"
        return self.connection.execute(query).fetchone()[0]

    def _make_empty(self, name):
        """Make an empty table like the warehouse's."""
        relation = self._relation(name)
        self._make_schema(relation)
        like = f"({STAGED})" if name == "stg_order_lines" else f"as from {self._stored(name)} limit 0"
        self.connection.execute(f"create table {relation} {like}")
        self._known.add(relation)

    def _provide(self, relation):
        """Make a relation that is the same for all customers: a copy, or the view of the build."""
        if relation in self._known:
            return
        self._known.add(relation)
        self._make_schema(relation)
        models = {model.relation: model for model in self.kept.models.values()}
        model = models.get(relation)
        if model is not None and model.materialized == "view":
            self._provide_all(model.code)
            self.connection.execute(f"create view {relation} as {model.code}")
        else:
            stored = self.kept.stored(relation, ALIAS)
            self.connection.execute(f"create table {relation} as from {stored}")

    def _provide_all(self, code):
        for relation in self.kept.relations(code):
            self._provide(relation)

    def _make_schema(self, relation):
        schema = relation.rpartition(".")[0]
        self.connection.execute(f"create schema if not exists {schema}")

    # ------------------------------------------------------------------------------ lines and days

    def _gather(self):
        """Collect the lines that decide about the customers of `new_lines`; return notes.

        An order belongs to the first of its customers, and a return to the customer of its own
        line. So customers who share an order decide about each other.
        """
        name_known_persons(self.connection, self.kept, self._stored("feat_customers__numbers"))
        pairs, execute = self._stored("int_order_fingerprints"), self.connection.execute
        execute(
            f"""
            create or replace temp table known_orders as
            select order_id, customer_id from {pairs}
            where order_id in (select order_id from new_lines where order_id <> '')
            """
        )
        (guests,) = execute(
            """
            delete from new_lines where customer_id is null and coalesce(order_id, '') not in (
                select order_id from new_lines where customer_id is not null and order_id <> ''
                union all select order_id from known_orders where customer_id <> ''
            )
            """
        ).fetchone()
        execute(
            f"""
            create or replace temp table asked as
            select distinct customer_id from new_lines where customer_id is not null;
            create or replace temp table touched as
            select customer_id from asked
            union select customer_id from known_orders where customer_id <> '';
            create or replace temp table near_pairs as
            select order_id, customer_id from {pairs} where order_id in (
                select order_id from {pairs}
                where order_id <> '' and customer_id in (select customer_id from touched)
            );
            insert into touched
            select distinct customer_id from near_pairs
            where customer_id <> '' and customer_id not in (select customer_id from touched)
            """
        )
        self._take_lines()
        if guests:
            noun = "line names" if guests == 1 else "lines name"
            return [f"{guests:,} {noun} no customer and cannot be scored."]
        return []

    def _take_lines(self):
        """Fill staging with the lines of changed orders, and take the other lines as screened."""
        execute, staging = self.connection.execute, self._relation("stg_order_lines")
        execute(f"insert into {staging} by name from new_lines")
        if execute("select count(*) from known_orders").fetchone()[0]:
            self._take_staged(staging)
        screened, stored = (
            self._relation("int_order_lines__screened"),
            self._stored("int_order_lines__screened"),
        )
        execute(
            f"""
            insert into {screened} by name
            select * from {stored} where reject_reason is null
                and customer_id in (select customer_id from touched)
                and order_id not in (select order_id from new_lines where order_id is not null)
            """
        )
        # Lines of guests, which are on the orders of customers by mistake, count there.
        mixed = "select order_id from near_pairs where customer_id = ''"
        if execute(f"select count(*) from ({mixed})").fetchone()[0]:
            execute(
                f"""
                insert into {screened} by name
                select * from {stored} where reject_reason is null and customer_id is null
                    and order_id in ({mixed})
                    and order_id not in (select order_id from new_lines where order_id is not null)
                """
            )

    def _take_staged(self, staging):
        """Add what the source has of orders that the new lines add to, for a line may stand twice."""
        location = self.kept.location.replace(f'"{self.kept.database}".', f"{ALIAS}.")
        if "(" not in location and not location.startswith(ALIAS):
            location = f"{ALIAS}.{location}"
        try:
            self.connection.execute(
                f"insert into {staging} by name select * from "
                f"({staging_of(self.kept, location)}) as staged "
                "where order_id in (select order_id from known_orders)"
            )
        except duckdb.Error as error:
            raise ValueError(
                "the lines are on orders that the warehouse has, and the source's own lines of "
                f"these cannot be read: {str(error).splitlines()[0]}"
            ) from None

    def _screen(self, as_of):
        """Screen the lines in staging, decide the as-of date, and return it."""
        execute = self.connection.execute
        touched_orders = self._relation("int_touched_orders")
        execute(
            f"insert into {touched_orders} by name "
            "select distinct order_id, true as is_changed from new_lines where order_id is not null"
        )
        self._set_days(as_of or NO_DAY)
        screened = self._relation("int_order_lines__screened")
        code = self.kept.models["int_order_lines__screened"].code
        if not self.kept.source.get("extract_date"):
            # The build's own day, after which it took lines for mistakes.
            code = code.replace(f"'{self.kept.extract_date}'", f"'{self.today}'")
        self._run("int_order_lines__screened", code)
        if as_of is None:
            (last,) = execute(
                f"select max(order_date) from {screened} "
                "where reject_reason is null and quantity > 0"
            ).fetchone()
            as_of = max(self.as_of_date, last or self.as_of_date)
        self._set_days(as_of)
        execute(
            f"""
            insert into {touched_orders} by name
            select distinct order_id, false as is_changed from {screened}
            where order_id not in (select order_id from {touched_orders});
            insert into {self._relation("int_touched_customers")} by name
            select distinct customer_id from {screened} where customer_id is not null
            """
        )
        return as_of

    def _set_days(self, as_of):
        days = self._relation("int_as_of_dates")
        self.connection.execute(f"delete from {days}")
        moved = as_of - self.as_of_date
        for day, number, is_current, is_cutoff in self.as_of_dates:
            if as_of != NO_DAY or is_current:
                day = NO_DAY if as_of == NO_DAY else day + moved
                self.connection.execute(
                    f"insert into {days} by name select ?::date as as_of_date, "
                    "? as period_number, ? as is_current, ? as is_forward_cutoff",
                    [day, number, is_current, is_cutoff],
                )

    # ---------------------------------------------------------------------------------- the models

    def _compute(self, as_of):
        moved_days = (as_of - self.as_of_date) // timedelta(days=1)
        self.calendar.fill(self.connection, self._relation("ml_clv__seasons"), moved_days)
        self._describe_new_products()
        for name in COMPUTED:
            if name == "feat_customers__rfm_scores":
                self.ranks.fill(self, moved_days)
            elif name == "ml_clv__expected_orders":
                fill_expected_orders(self, ALIAS)
            elif self._has_baskets or name not in BASKETS:
                self._run(name, self.kept.models[name].code)

    def _describe_new_products(self):
        """Add products that the build had not seen, so that they have a category."""
        products, execute = self._relation("int_products"), self.connection.execute
        execute(f"delete from {products} where first_sold_date is null")
        unknown = execute(
            f"""
            select count(*) from {self._relation("int_order_lines")}
            where not is_return and product_id not in (select product_id from {products})
            """
        ).fetchone()[0]
        if unknown:
            code = self.kept.models["int_products"].code
            try:
                self._provide_all(code)
                execute(
                    f"insert into {products} by name "
                    "select * replace (cast(null as date) as first_sold_date) "
                    f"from ({code}) as described "
                    f"where product_id not in (select product_id from {products})"
                )
            except duckdb.IOException as error:
                raise ValueError(
                    "the lines have products that the build had not seen, and the source's own "
                    f"list of products cannot be read: {str(error).splitlines()[0]}"
                ) from None

    def _run(self, name, code):
        """Insert the rows of a model into its table, by a plan that is made once."""
        relation, execute = self._relation(name), self.connection.execute
        if execute("select count(*) from touched").fetchone()[0] > FEW:
            execute(f"insert into {relation} by name {code}")
            return
        if name not in self._planned:
            execute(f"prepare plan_{name} as insert into {relation} by name {code}")
            self._planned.add(name)
        execute(f"execute plan_{name}")
