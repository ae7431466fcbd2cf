"""Compute for a few customers what a build computes for all, in memory, by the SQL of the build.

A `Scorer` holds an empty copy of the warehouse: tables about the shop as a whole (products, rules,
parameters of fits) are filled once, tables about customers at each call, with the lines of the
scored customers only. Between calls it does not hold the warehouse's file, so builds can run.
"""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from threading import Lock

import duckdb

from clientele.scoring.answers import answers
from clientele.scoring.gathering import gather, screen
from clientele.scoring.kept import ALIAS, read_kept
from clientele.scoring.lines import map_lines, staged
from clientele.scoring.others import Calendar, Ranks, fill_expected_orders
from clientele.sources.common import literal

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
    "feat_customers__rfm_scores",
    "ml_clv__expected_orders",
    "fct_customer_values",
    "ml_customers__segments",
    "ml_recommendations__customers",
    "ml_recommendations__links",
    "ml_recommendations__lists",
    "fct_product_recommendations",
]
# Computed in parallel with the others, from behaviour to segments: their plans are the largest.
BASKETS = [
    "feat_baskets__orders",
    "feat_baskets",
    "ml_customers__itemsets",
    "ml_customers__baskets",
]
PARALLEL = ["ml_customers__behaviour", *BASKETS]
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
        self._beside = self.connection.cursor()
        self._planned, self._is_few = set(), True
        with self._warehouse():
            self.kept = read_kept(self.connection, str(place))
            self.connection.execute(f"attach ':memory:' as \"{self.kept.database}\"")
            self.connection.execute(f'use "{self.kept.database}"')
            self._known = set()
            self._settle()
            for name in [*FILLED, *COMPUTED, *PARALLEL]:
                self._make_empty(name)
            for name in ["int_order_lines__screened", *COMPUTED, *PARALLEL]:
                self._provide(self.kept.models[name].relation)
                if self.kept.models[name].materialized != "python":
                    self.provide_all(self.kept.models[name].code)
            for name in ["int_rfm_groups", "dim_segments"]:
                self._provide(self.relation(name))
            as_of_dates = self.stored("int_as_of_dates")
            self.as_of_dates = self.connection.execute(
                f"select as_of_date, period_number, is_current, is_forward_cutoff "
                f"from {as_of_dates} order by period_number"
            ).fetchall()
            self.ranks = Ranks(self.connection, self.stored("feat_customers__behaviour"))
            self.calendar = Calendar(self.connection, self.stored("ml_clv__seasons"))
        self._has_baskets = self.count("ml_segmentation__in_force", "segmentation = 'baskets'") > 0

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
            for name in [*FILLED, *COMPUTED, *PARALLEL]:
                self.connection.execute(f"delete from {self.relation(name)}")
            with self._warehouse():
                notes += gather(self)
                touched = self.connection.execute("select count(*) from touched").fetchone()[0]
                self._is_few = touched <= FEW
                as_of = screen(self, as_of)
                self._compute(as_of)
                scores = Scores(answers(self), notes, as_of, self.kept.build_id)
            # Gives back the memory of the rows that the next call deletes.
            self.connection.execute(f'checkpoint "{self.kept.database}"')
            return scores

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

    def relation(self, name):
        """Return a model's relation in memory."""
        return self.kept.models[name].relation

    def stored(self, name):
        """Return a model's relation in the warehouse, while it is attached."""
        return self.kept.stored(self.relation(name))

    def count(self, name, condition="true"):
        """Return the number of a model's rows in memory that meet an SQL condition."""
        query = f"select count(*) from {self.relation(name)} where {condition}"
        return self.connection.execute(query).fetchone()[0]

    def _make_empty(self, name):
        """Make an empty table like the warehouse's."""
        relation = self.relation(name)
        self._make_schema(relation)
        like = (
            f"({staged(self.kept)})"
            if name == "stg_order_lines"
            else f"as from {self.stored(name)} limit 0"
        )
        self.connection.execute(f"create table {relation} {like}")
        self._known.add(relation)

    def _provide(self, relation):
        """Make a relation that is the same for all customers: a copy, or the view of the build."""
        if relation in self._known:
            return
        self._make_schema(relation)
        models = {model.relation: model for model in self.kept.models.values()}
        model = models.get(relation)
        if model is not None and model.materialized == "view":
            self.provide_all(model.code)
            self.connection.execute(f"create view {relation} as {model.code}")
        else:
            stored = self.kept.stored(relation)
            self.connection.execute(f"create table {relation} as from {stored}")
        self._known.add(relation)

    def _settle(self):
        """Copy what staging replaces in customers and order numbers, if the build made that."""
        staging, database = self.kept.models["stg_order_lines"].code, self.kept.database
        for name in ("raw.customer_spellings", "raw.shared_orders"):
            if name in staging:
                self.connection.execute(
                    f'create schema if not exists "{database}".raw; '
                    f'create table "{database}".{name} as from {ALIAS}.{name}'
                )

    def provide_all(self, code):
        """Make the relations that SQL names, unless they are there."""
        for relation in self.kept.relations(code):
            self._provide(relation)

    def _make_schema(self, relation):
        schema = relation.rpartition(".")[0]
        self.connection.execute(f"create schema if not exists {schema}")

    # ---------------------------------------------------------------------------------- the models

    def _compute(self, as_of):
        moved_days = (as_of - self.as_of_date) // timedelta(days=1)
        self.calendar.fill(self.connection, self.relation("ml_clv__seasons"), moved_days)
        self._describe_new_products()
        parallel = None
        with ThreadPoolExecutor(1) as pool:
            for name in COMPUTED:
                if name == "feat_customers__rfm_scores":
                    self.ranks.fill(self, moved_days)
                elif name == "ml_clv__expected_orders":
                    fill_expected_orders(self, moved_days)
                else:
                    if name == "ml_customers__segments":
                        parallel.result()
                    self.run(name, self.kept.models[name].code)
                if name == "feat_customers__behaviour":
                    parallel = pool.submit(self._compute_parallel)

    def _compute_parallel(self):
        for name in PARALLEL:
            if self._has_baskets or name not in BASKETS:
                self.run(name, self.kept.models[name].code, self._beside)

    def _describe_new_products(self):
        """Add products that the build had not seen, so that they have a category."""
        products, execute = self.relation("int_products"), self.connection.execute
        execute(f"delete from {products} where first_sold_date is null")
        unknown = execute(
            f"""
            select count(*) from {self.relation("int_order_lines")}
            where not is_return and product_id not in (select product_id from {products})
            """
        ).fetchone()[0]
        if unknown:
            code = self.kept.models["int_products"].code
            try:
                self.provide_all(code)
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

    def run(self, name, code, connection=None):
        """Insert the rows of a model into its table, by a plan that is made once."""
        relation, execute = self.relation(name), (connection or self.connection).execute
        if not self._is_few:
            execute(f"insert into {relation} by name {code}")
            return
        if name not in self._planned:
            execute(f"prepare plan_{name} as insert into {relation} by name {code}")
            self._planned.add(name)
        execute(f"execute plan_{name}")
