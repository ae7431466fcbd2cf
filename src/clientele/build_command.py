"""What `clientele build` does: see whether anything has changed, import, build, print a summary."""

import os
import sys
from pathlib import Path

from clientele import state
from clientele.campaigns.audiences import FOLDER, checked
from clientele.campaigns.records import planned_shares
from clientele.dbt_arguments import combine
from clientele.locks import exclusive
from clientele.places import campaigns_folder, warehouse_file
from clientele.reconciling import is_empty, orders_of
from clientele.sources import load_source, project_vars
from clientele.summary import CAMPAIGN_RESULTS, summary
from clientele.warehouse import warehouse


def settings_of(
    project: Path, source: str, data: str | None, as_of: str | None, dbt_arguments: list[str]
) -> tuple[dict, list[str]]:
    """Return the vars of a build, and the arguments that are left for dbt.

    Raises:
        ValueError: no such source, a broken YAML, a broken record of an export, or arguments that
            contradict each other.
    """
    settings = load_source(source, project / "sources")
    if data:
        tables = (settings["source"].get("tables") or {}).values()
        if tables and all(isinstance(table, dict) and table.get("seed") for table in tables):
            # Else the bundled data would be built, and taken for the user's.
            raise ValueError(
                f"the source '{source}' reads bundled data only, and not {data}; write a source "
                f"for your file with `clientele init {data}`, and name it with --source"
            )
        settings["data"] = str(Path(data).absolute())
    exports = campaigns_folder(project) / source
    if any(exports.glob("*.parquet")):
        settings["campaign_exports"] = str(exports.absolute() / "*.parquet")
    if as_of:
        settings["as_of_date"] = as_of
    settings, kept = combine(settings, dbt_arguments)
    planned = planned_shares(exports)
    if planned:
        # What is stated counts more than what was planned.
        stated = project_vars(project, settings).get("campaigns_shares") or {}
        settings["campaigns_shares"] = planned | stated
    return settings, kept


def build_source(
    project: Path,
    settings: dict,
    dbt_arguments: list[str],
    *,
    target: str,
    verbose: bool = False,
    force: bool = False,
) -> int:
    """Build unless nothing has changed, print what came of it, and return the exit code.

    Only a plain build into DuckDB can be left out: the catalog of the target `spark` ends with its
    build, and other arguments of dbt ask for something of their own.

    Raises:
        ValueError: the source cannot be read.
        OSError: another process builds the same warehouse.
    """
    if target != "duckdb":
        return _build(project, settings, dbt_arguments, target, verbose)
    database = warehouse_file(project)
    lock = database.with_name(f".{database.name}.build.lock")
    with exclusive(lock, f"{database} is being built; try again when that has ended"):
        now = state.state_of(project, settings)
        is_plain = not (dbt_arguments or verbose or force or _is_full_refresh())
        last = state.last_build(project) if is_plain else None
        if last is not None:
            when = f"the build of {last.build.started_at:%Y-%m-%d %H:%M:%S} UTC"
            changes = state.changed(last.state, now)
            if not changes:
                print(
                    f"Nothing has changed since {when}; nothing was built.\n"
                    f"The marts are in {database}; `clientele summary` prints their summary."
                )
                return 0
            print(f"Changed since {when}: {', '.join(changes)}.", file=sys.stderr)
        return _build(project, settings, dbt_arguments, target, verbose, now)


def _build(project, settings, dbt_arguments, target, verbose, now=None):
    from clientele.building import build

    defaults = project_vars(project)
    prepare_source(defaults | settings)
    if (project / FOLDER).is_dir():
        checked(project, (defaults | settings)["source"])
    # Without the values of dbt_project.yml, dbt reuses what it parsed for plain commands.
    variables = {key: value for key, value in settings.items() if value != defaults.get(key)}
    if now is not None:
        state.forget(project)
    exit_code = build(project, variables, dbt_arguments, target=target, verbose=verbose)
    if exit_code:
        return exit_code
    if now is not None:
        state.keep(project, now)
    with warehouse(target, project) as built:
        source = settings["source"]
        # Results of another source may be in the warehouse still.
        campaigns = (source.get("tables") or {}).get("campaigns") or settings.get(
            "campaign_exports"
        )
        marts = set(built.marts()) - (set() if campaigns else {CAMPAIGN_RESULTS})
        page = summary(built.query, currency=source.get("currency", ""), marts=marts)
        print(f"\nThe marts are in {built.place}")
        if target == "duckdb":
            print(f'  duckdb.connect("{built.place}").sql("from marts.dim_customers")')
        print(f"\n{page}")
        return int(is_empty(*orders_of(built.query)))


def prepare_source(settings: dict) -> None:
    """Check the source's YAML and import its text files, which takes seconds; dbt takes longer.

    Raises:
        ValueError: the source cannot be read; the message lists every mistake.
    """
    from clientele.sources.attributes import sensitive_problems
    from clientele.sources.preparing import prepare
    from clientele.sources.telling import Telling

    source = settings["source"]
    data = settings.get("data") or os.environ.get("CLIENTELE_DATA")
    with Telling("import") as tell:
        prepared = prepare(source, data, tell)
    problems = prepared["problems"] or sensitive_problems(
        source, settings.get("segmentation_feature_sets") or {}
    )
    if problems:
        listed = "\n- ".join(problems)
        raise ValueError(
            f"source '{source.get('name')}' cannot be read; nothing was built.\n- {listed}"
        )
    for note in prepared["notes"]:
        print(f"source: {note}", file=sys.stderr)


def _is_full_refresh():
    """Return whether the environment asks dbt for a full refresh."""
    return any(os.environ.get(f"DBT_{name}") for name in ("FULL_REFRESH", "ENGINE_FULL_REFRESH"))
