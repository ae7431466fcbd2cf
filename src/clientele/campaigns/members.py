"""Evaluate audiences as their files are now, on published marts.

The SQL is that of the build: the macro `audience_members`, which this module renders itself.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
from jinja2 import Environment

from clientele.campaigns.audiences import MARTS, OPTIONAL, checked, hash_threshold, nearest
from clientele.campaigns.records import no_record
from clientele.places import campaigns_folder, publications_folder
from clientele.sources.common import counted
from clientele.sources.settings import load_source, project_vars

MACRO = "macros/campaigns/audience_members.sql"
# A publication without campaigns has none.
CONTACTS = "fct_customer_campaigns"
ATTRIBUTES = "dim_customer_attributes"


@dataclass(frozen=True)
class Audiences:
    """The audiences of a project on its current publication.

    `connection` has the view `facts` (what conditions may read, by customer), the table `members`
    (as `fct_audience_members`, of all audiences), and the publication as `published`.
    """

    connection: duckdb.DuckDBPyConnection
    audiences: list[dict]
    columns: list[dict]
    as_of_date: date
    source: str
    currency: str
    records: Path

    def named(self, name: str) -> dict:
        """Return the audience of that name. Raises ``ValueError`` if there is none."""
        for audience in self.audiences:
            if audience["name"] == name:
                return audience
        known = [audience["name"] for audience in self.audiences]
        raise ValueError(
            f"no audience '{name}'{nearest(name, known)}; known are {', '.join(known) or 'none'}"
        )

    def rows(self, sql: str, **parameters) -> list[tuple]:
        """Return the rows of a query."""
        return self.connection.execute(sql, parameters or None).fetchall()


@contextmanager
def open_audiences(project: Path) -> Iterator[Audiences]:
    """Yield the audiences of ``project`` on its current publication.

    Raises:
        ValueError: an audience is wrong, nothing is published, a record of an export cannot be
            read, or the publication was built with another global holdout or salt.
    """
    database = _published(project)
    if not database.is_file():
        raise ValueError(
            f"nothing is published in {database.parents[1]}; `clientele build` and "
            "`clientele publish` do that"
        )
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute(f"attach {quoted(str(database.resolve()))} as published (read_only)")
        as_of_date, source, currency = connection.execute(
            "select as_of_date, source_name, currency from published.marts.publications"
        ).fetchall()[0]
        records = campaigns_folder(project) / source
        settings = _settings_of(project, source)
        said = checked(project, settings["source"])
        _make_tables(connection, said, settings, records, project)
        yield Audiences(
            connection,
            said["audiences"],
            said["columns"],
            as_of_date,
            source,
            currency or "",
            records,
        )


def columns_of(project: Path) -> list[dict]:
    """Return the columns that conditions may read, as `read_audiences` does.

    Attributes are those of the published source; before there is one, those of dbt_project.yml.

    Raises:
        ValueError: an audience or the source's YAML is wrong.
    """
    database = _published(project)
    if not database.is_file():
        return checked(project, project_vars(project).get("source"))["columns"]
    with duckdb.connect(str(database.resolve()), read_only=True) as connection:
        source = connection.execute("select source_name from marts.publications").fetchall()[0][0]
    return checked(project, _settings_of(project, source)["source"])["columns"]


def members_sql(
    said: dict, *, salt: str, global_holdout_share: float, has_contacts: bool, project: Path
) -> str:
    """Return the CTEs of the macro `audience_members`, from `facts` to `members`."""
    template = Environment().from_string((project / MACRO).read_text(encoding="utf-8"))
    return template.module.audience_members(
        said["columns"],
        said["audiences"],
        salt,
        hash_threshold(global_holdout_share),
        has_contacts,
    )


def quoted(text: str) -> str:
    """Return a text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def _published(project):
    """Return the file of the current publication, which may not exist."""
    return publications_folder(project) / "current" / "clientele.duckdb"


def _settings_of(project, source):
    """Return the vars of a source by its name; nothing is known of one without a YAML."""
    settings = project_vars(project)
    if (project / "sources" / f"{source}.yml").is_file():
        return settings | load_source(source, project / "sources")
    said = settings.get("source") or {}
    return settings | {"source": said if said.get("name") == source else {}}


def _make_tables(connection, said, settings, records, project):
    """Make the views that the macro reads, the view `facts`, and the table `members`."""
    only = {
        "customer_values": f"horizon_days = {int(settings['clv_band_horizon_days'])}",
        "offers": "rank = 1",
        "uplifts": "is_best_contact",
    }
    for name, mart in MARTS.items():
        if name in OPTIONAL and not _is_published(connection, mart):
            nulls = ", ".join(
                f"null::{column['type']} as {column['column']}"
                for column in said["columns"]
                if column["relation"] == name
            )
            connection.execute(
                f"create view {name} as select '' as customer_id, {nulls} where false"
            )
            continue
        connection.execute(
            f"create view {name} as from published.marts.{mart} where {only.get(name, 'true')}"
        )
    # A publication from before its source declared attributes has none.
    connection.execute(
        f"create view described as from published.marts.{ATTRIBUTES}"
        if _is_published(connection, ATTRIBUTES)
        else "create view described as select '' as customer_id, '' as attribute, null::double as "
        "number_value, null::date as date_value, null::string as text_value where false"
    )
    connection.execute("create view as_of as select as_of_date from published.marts.publications")
    contacts = []
    if _is_published(connection, CONTACTS):
        contacts.append(f"select customer_id, last_campaign_date from published.marts.{CONTACTS}")
    for record in sorted(records.glob("*.parquet")):
        try:
            connection.execute(f"from read_parquet({quoted(str(record))}) limit 0")
        except duckdb.Error:
            raise ValueError(no_record(record)) from None
    if any(records.glob("*.parquet")):
        # A customer who was assigned rests in either arm: else the arms would not be comparable.
        contacts.append(
            "select customer_id, cast(assigned_at as date) as last_campaign_date "
            f"from read_parquet({quoted(str(records / '*.parquet'))})"
        )
    if contacts:
        connection.execute(
            "create view contacts as select customer_id, max(last_campaign_date) as "
            f"last_campaign_date from ({' union all '.join(contacts)}) "
            # What was exported as of this day begins the morning after.
            "where last_campaign_date <= (select as_of_date + 1 from as_of) group by customer_id"
        )
    sql = members_sql(
        said,
        salt=settings["audiences_salt"],
        global_holdout_share=settings["audiences_global_holdout_share"],
        has_contacts=bool(contacts),
        project=project,
    )
    connection.execute(f"create view facts as with {sql} from facts")
    connection.execute(f"create table members as with {sql} from members")
    if _is_published(connection, "fct_audience_members"):
        _check_arms(connection)


def _check_arms(connection):
    """Refuse to draw arms that differ from those of the build: some would be in both."""
    changed = connection.execute(
        """
        select count(distinct customer_id)
        from facts
        join published.marts.fct_audience_members as built using (customer_id)
        where facts.is_held_out_of_all <> (built.arm = 'global_holdout')
        """
    ).fetchall()[0][0]
    if changed:
        raise ValueError(
            f"{counted(changed, 'customer', 'is/are')} in the global holdout of either the "
            "publication or this project, but not of both. `audiences_global_holdout_share` and "
            "`audiences_salt` must stand in dbt_project.yml, not in --vars; after a change, build "
            "and publish first"
        )


def _is_published(connection, mart):
    """Return whether the publication has a mart."""
    found = connection.execute(
        "select 1 from duckdb_tables() where database_name = 'published' and table_name = $name",
        {"name": mart},
    )
    return bool(found.fetchall())
