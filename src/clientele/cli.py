"""The command line: build with dbt, print a summary, publish, write the dashboard, simulate."""

import argparse
import re
import sys
from pathlib import Path

from clientele.brief import command as brief_command
from clientele.campaigns import command as audience_command
from clientele.contacts import GROUPS, write_contacts
from clientele.failures import in_words
from clientele.places import project_folder, publications_folder, warehouse_file
from clientele.summary import summary
from clientele.warehouse import warehouse
from clientele.watching import duration, watch


def main(arguments: list[str] | None = None) -> int:
    """Return the exit code: 0, 1 if dbt failed, 2 for wrong input, 3 if data are stale."""
    parser = argparse.ArgumentParser(prog="clientele", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    build = commands.add_parser(
        "build",
        help="check a source, build everything with dbt, print a summary",
        description="Check a source, build everything with dbt, and print a summary, unless "
        "nothing has changed since the last build. Unit tests run only with --resource-type. "
        "Other arguments are passed to `dbt build`, such as --select or --vars.",
        # Otherwise `--target-path` of dbt, cut short, could be taken for `--target`.
        allow_abbrev=False,
    )
    _add_source(build)
    build.add_argument("--as-of", metavar="DATE", help="build as of that day, YYYY-MM-DD")
    build.add_argument("--force", action="store_true", help="build even if nothing has changed")
    build.add_argument("--verbose", action="store_true", help="print all that dbt prints")
    _add_target(build)
    build.set_defaults(run=_build)

    look = commands.add_parser(
        "watch",
        help="build and publish whenever the source has changed",
        description="Look at the source every few minutes, build when something has changed, and "
        "publish what passed. Ends cleanly on SIGINT and SIGTERM.",
    )
    _add_source(look)
    look.add_argument("--vars", help="vars of dbt, as a YAML mapping")
    look.add_argument(
        "--every", type=duration, default="5m", metavar="TIME", help="such as 30s, 5m (default), 1h"
    )
    look.set_defaults(run=_watch)

    fresh = commands.add_parser(
        "new",
        help="write a dbt project of your own into a new folder",
        description="Write the models, macros, tests, sources and settings into a new folder: a "
        "dbt project that is yours to change. Not needed in a clone, which is a project already.",
    )
    fresh.add_argument("folder", type=Path, help="a new or empty folder")
    fresh.set_defaults(run=_new)

    start = commands.add_parser(
        "init",
        help="look at an export and write its YAML in sources/",
        description="Look at an export of a shop, recognise its platform or guess its columns, and "
        "write sources/<name>.yml, ready to build. Prints what was understood and what is unsure.",
    )
    start.add_argument("path", help="a file, a folder, or a glob in quotes")
    start.add_argument("--name", help="name of the source; the default is the file's name")
    start.add_argument("--timezone", help="IANA name of the shop's time zone")
    start.add_argument("--currency", help="ISO code of the shop's currency, such as EUR")
    start.add_argument("--date-format", help="how times are written, such as '%%d/%%m/%%Y'")
    start.add_argument("--decimal", choices=[".", ","], help="the decimal mark")
    start.add_argument("--yes", action="store_true", help="ask nothing")
    start.add_argument("--force", action="store_true", help="replace the YAML if it exists")
    start.set_defaults(run=_init)

    show = commands.add_parser("summary", help="print the summary of the last build")
    _add_target(show)
    show.add_argument("--currency", default="", help="currency to print after amounts")
    show.set_defaults(run=_summary)

    share = commands.add_parser(
        "publish",
        help="publish the marts of the last build if it passed",
        description="Copy the marts of the last build, if it passed, to the folder "
        "CLIENTELE_PUBLISH_DIR (published), and point its link `current` at them.",
    )
    _add_target(share)
    instead = share.add_mutually_exclusive_group()
    instead.add_argument(
        "--rollback",
        nargs="?",
        const="",
        metavar="BUILD_ID",
        help="go back to the publication before the current one, or to BUILD_ID",
    )
    instead.add_argument("--list", action="store_true", help="list the publications that are kept")
    share.add_argument(
        "--allow-fewer-orders",
        action="store_true",
        help="publish even if most orders of the current publication are missing",
    )
    share.set_defaults(run=_publish)

    site = commands.add_parser(
        "dashboard",
        help="write the dashboard of the current publication, as static pages",
        description="Write the dashboard of the current publication in CLIENTELE_PUBLISH_DIR "
        "(published). Open its index.html, or serve the folder with any web server.",
    )
    site.add_argument(
        "--out", type=Path, default=Path("dashboard/dist"), help="folder that is replaced"
    )
    site.add_argument(
        "--without-customers",
        action="store_true",
        help="leave out the lists of customers in the folder `customers`",
    )
    site.set_defaults(run=_dashboard)

    contacts = commands.add_parser(
        "contacts",
        help="write the customers to contact this week to a CSV file",
        description="Write the customers to contact this week to a CSV file, from the current "
        "publication: each customer once, with reason, expected day, value and offer. The groups "
        "are overdue, due, at risk, new and second order.",
    )
    contacts.add_argument("file", type=Path, help="a new CSV file")
    contacts.add_argument(
        "--group", action="append", choices=GROUPS, help="only this group; may be repeated"
    )
    contacts.add_argument("--segment", metavar="NAME", help="only customers of this segment")
    contacts.add_argument("--country", help="only customers of this country")
    contacts.add_argument("--limit", type=int, metavar="N", help="at most N customers")
    contacts.add_argument("--force", action="store_true", help="replace the file if it exists")
    contacts.set_defaults(run=_contacts)

    brief_command.add_parser(commands)
    audience_command.add_parser(commands)

    scores = commands.add_parser(
        "score",
        help="score the customers of some order lines, as a build would, within a second",
        description="Add order lines, in the source's own columns, to what the last build that "
        "passed has of their customers, and print features, RFM group, segment, value, churn and "
        "next products of each. Nothing is written to the warehouse.",
    )
    scores.add_argument(
        "file", nargs="?", default="-", help="CSV, JSON lines or Parquet; - is standard input"
    )
    scores.add_argument("--format", choices=["json", "csv"], default="json", help="of the output")
    scores.add_argument("--as-of", metavar="DATE", help="the day for which scores hold, YYYY-MM-DD")
    scores.set_defaults(run=_score)

    generate = commands.add_parser(
        "generate", help="write simulated raw orders of any number of customers, with known truth"
    )
    generate.add_argument("folder", type=Path, help="a new or empty folder")
    generate.add_argument("--customers", type=int, default=10_000)
    generate.add_argument("--products", type=int, default=200)
    generate.add_argument("--seed", type=int, default=1)
    generate.add_argument("--format", choices=["parquet", "jsonl", "csv"], default="parquet")
    generate.set_defaults(run=_generate)

    sample = commands.add_parser("sample", help="rewrite the bundled sample")
    sample.set_defaults(run=_sample)

    options, rest = parser.parse_known_args(arguments)
    if rest and options.command != "build":
        parser.error(f"unknown arguments: {' '.join(rest)}")
    try:
        return options.run(options, rest)
    except Exception as error:
        told = in_words(error)
        if told is None:
            raise
        print(f"clientele: {told}", file=sys.stderr)
        return 2


def _add_source(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--source", default="sample", help="name of a file in sources/")
    parser.add_argument("--data", help="path that replaces {data} in that file")


def _add_target(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--target", default="duckdb", help="an output of profiles.yml (duckdb)")


def _build(options, dbt_arguments: list[str]) -> int:
    from clientele import build_command

    project = project_folder()
    settings, dbt_arguments = build_command.settings_of(
        project, options.source, options.data, options.as_of, dbt_arguments
    )
    return build_command.build_source(
        project,
        settings,
        dbt_arguments,
        target=options.target,
        verbose=options.verbose,
        force=options.force,
    )


def _watch(options, _) -> int:
    from clientele import build_command

    project = project_folder()
    arguments = ["--vars", options.vars] if options.vars else []
    # Wrong arguments are reported now, and not in every round.
    build_command.settings_of(project, options.source, options.data, None, arguments)
    arguments += ["--source", options.source, *(["--data", options.data] if options.data else [])]
    return watch(project, arguments, options.every)


def _new(options, _) -> int:
    from clientele.new import new

    print(
        f"{new(options.folder)} files in {options.folder}. Next:\n  cd {options.folder}\n"
        "  clientele init path/to/orders.csv   # your export; or build the sample:\n"
        "  clientele build && clientele publish && clientele dashboard"
    )
    return 0


def _init(options, _) -> int:
    from clientele.sources.init import ask_in_terminal, init

    stem = Path(options.path.rstrip("/")).name.split(".")[0]
    name = options.name or re.sub(r"[^a-z0-9]+", "_", stem.lower()).strip("_") or "shop"
    print(
        init(
            options.path,
            name,
            project_folder() / "sources",
            yes=options.yes,
            force=options.force,
            ask=ask_in_terminal if sys.stdin.isatty() and sys.stderr.isatty() else None,
            timezone=options.timezone,
            currency=options.currency,
            date_format=options.date_format,
            decimal=options.decimal,
        )
    )
    return 0


def _summary(options, _) -> int:
    if options.target == "spark":
        raise ValueError(
            "the catalog of target `spark` ends with its build, which has printed its summary"
        )
    with warehouse(options.target, project_folder()) as built:
        print(summary(built.query, currency=options.currency, marts=built.marts()))
    return 0


def _publish(options, _) -> int:
    from clientele.publish_command import list_publications, publish, roll_back

    if options.target != "duckdb":
        raise ValueError(
            f"only target `duckdb` is published, not `{options.target}`, "
            "whose marts readers reach through its catalog"
        )
    project = project_folder()
    if options.list:
        list_publications(project)
    elif options.rollback is not None:
        roll_back(project, options.rollback or None)
    else:
        publish(project, allow_fewer_orders=options.allow_fewer_orders)
    return 0


def _dashboard(options, _) -> int:
    from clientele.dashboard.site import write_site
    from clientele.publishing import folders

    folder = publications_folder(project_folder())
    publication = folder / folders.CURRENT
    if not (publication / "clientele.duckdb").is_file():
        raise ValueError(
            f"nothing is published in {folder}; `clientele build` and `clientele publish` do that"
        )
    # All pages are of the publication that is current now.
    pages = write_site(publication.resolve(), options.out, customers=not options.without_customers)
    print(f"{len(pages)} pages in {options.out}. Open {options.out / 'index.html'}, or serve them:")
    print(f"  python -m http.server --directory {options.out}")
    return 0


def _contacts(options, _) -> int:
    publication = publications_folder(project_folder()) / "current"
    counts = write_contacts(
        publication,
        options.file,
        groups=tuple(options.group or GROUPS),
        segment=options.segment,
        country=options.country,
        limit=options.limit,
        force=options.force,
    )
    print(f"{sum(counts.values()):,} customers in {options.file}")
    for group, count in counts.items():
        print(f"  {group:<14}{count:>9,}")
    return 0


def _score(options, _) -> int:
    from clientele.scoring import score
    from clientele.scoring.answers import as_csv, as_json_lines

    database = warehouse_file(project_folder())
    scores = score(options.file, warehouse=database, as_of=options.as_of)
    for note in scores.notes:
        print(f"clientele: {note}", file=sys.stderr)
    written = as_csv if options.format == "csv" else as_json_lines
    print(written(scores.customers), end="")
    return 0


def _generate(options, _) -> int:
    from clientele.simulation.generating import generate

    truth = generate(
        options.folder,
        customers=options.customers,
        seed=options.seed,
        file_format=options.format,
        products=options.products,
    )
    print(f"{sum(truth['rows'].values()):,} order lines in {options.folder}")
    return 0


def _sample(_, __) -> int:
    from clientele.simulation.generating import write_sample

    write_sample(project_folder())
    return 0


if __name__ == "__main__":
    sys.exit(main())
