"""`clientele audience`: list audiences, look at one, export it."""

from pathlib import Path

import duckdb

from clientele.campaigns.audiences import CONSENT
from clientele.campaigns.exporting import LEAST_P, export, recorded, sample_ratio_p_value
from clientele.campaigns.members import columns_of, open_audiences
from clientele.campaigns.records import not_started
from clientele.places import project_folder
from clientele.sources.common import counted

# Customers of an audience to show.
SHOWN = 5


def add_parser(commands) -> None:
    """Add `audience` to the commands of the command line."""
    parser = commands.add_parser(
        "audience",
        help="list, look at and export the customers to contact",
        description="Audiences are the files in audiences/: a condition, an order, a cap and a "
        "holdout. They are evaluated as they are now, on the current publication.",
    )
    actions = parser.add_subparsers(dest="action", required=True)
    every = actions.add_parser("list", help="all audiences with their sizes")
    every.add_argument(
        "--columns", action="store_true", help="list the columns that conditions may read instead"
    )
    every.set_defaults(run=_list)
    look = actions.add_parser("preview", help="who is in an audience, and what it could show")
    look.add_argument("name", help="of a file in audiences/, without .yml")
    look.set_defaults(run=_preview)
    write = actions.add_parser(
        "export",
        help="record an audience and write those to contact to a file",
        description="Record who is in the audience now and in which arm, in the folder "
        "CLIENTELE_CAMPAIGNS_DIR (campaigns), and write those to contact to a file for a mail "
        "tool. Who is held out is in the record only.",
    )
    write.add_argument("name", help="of a file in audiences/, without .yml")
    write.add_argument("--to", type=Path, required=True, metavar="FILE", help="a new file")
    write.add_argument(
        "--format", choices=["csv", "parquet"], help="of FILE; the default is by its name"
    )
    write.add_argument(
        "--force",
        action="store_true",
        help="record again on the same day, replace FILE, or accept arms of unexpected sizes",
    )
    write.set_defaults(run=_export)


def _list(options, _) -> int:
    project = project_folder()
    if options.columns:
        columns = columns_of(project)
        width = max(len(column["name"]) for column in columns)
        for column in columns:
            print(f"  {column['name']:<{width}}  {column['type']}")
        return 0
    with open_audiences(project) as found:
        print(f"As of {found.as_of_date}, from the current publication of {found.source}:")
        sizes = {row[0]: row[1:] for row in found.rows(SIZES)}
        header = ("audience", "contact", "hold out", f"value {found.currency}".strip(), "")
        print("  {:<24}{:>10}{:>10}{:>16}  {}".format(*header).rstrip())
        for audience in found.audiences:
            treated, control, _, value = sizes.get(audience["name"], (0, 0, 0, 0))
            notes = [f"after {name}" for name in audience["after"]]
            notes += [] if treated + control else ["empty"]
            print(
                f"  {audience['name']:<24}{treated:>10,}{control:>10,}{value:>16,.0f}"
                f"  {', '.join(notes)}".rstrip()
            )
        later = not_started(found.connection, found.records, found.as_of_date)
        if later:
            print(f"Exported, and not started as of {found.as_of_date}:")
        for campaign, day, treated, control in later:
            print(f"  {campaign:<40} from {day}  {treated:,} to contact, {control:,} held out")
    return 0


def _preview(options, _) -> int:
    with open_audiences(project_folder()) as found:
        audience = found.named(options.name)
        name = audience["name"]
        print(f"{name}: {audience['description']}")
        print(f"  where     {audience['condition']}\n  order by  {audience['order_by']}")
        if audience["after"]:
            print(f"  after     {', '.join(audience['after'])}")
        for record in recorded(found, name):
            print(f"Exported as {record.stem} already.")
        sizes = {row[0]: row[1:] for row in found.rows(SIZES)}
        treated, control, left_out, value = sizes.get(name, (0, 0, 0, 0))
        unit = f" {found.currency}".rstrip()
        print(
            f"As of {found.as_of_date}: {treated:,} to contact, {control:,} held out "
            f"({audience['holdout_share']:.0%} planned), worth {value:,.0f}{unit}"
        )
        if left_out:
            print(f"{left_out:,} more are in the global holdout.")
        without = _without_consent(found, audience)
        if without:
            print(f"{without:,} more meet the condition and did not agree to be contacted.")
        if audience["cost_per_contact"]:
            print(f"The contacts cost {treated * audience['cost_per_contact']:,.2f}{unit}.")
        if not treated + control:
            meet = found.rows(f"select count(*) from facts where {audience['where']}")[0][0]
            print(
                "Warning: the audience is empty. "
                + (
                    f"{counted(meet, 'customer', 'meets/meet')} the condition, and all rest or are "
                    "in audiences that come first."
                    if meet
                    else "No customer meets the condition."
                )
            )
            return 0
        p_value = sample_ratio_p_value(treated, control, audience["holdout_share"])
        if p_value is not None and p_value < LEAST_P:
            print(f"Warning: the arms' sizes do not fit the planned share (p = {p_value:.2g}).")
        _print_plan(found, name, treated, control)
        print("Segments:")
        for segment, treated, control in found.rows(SEGMENTS, name=name):
            print(f"  {segment or 'no purchase':<48}{treated:>8,} to contact{control:>8,} held out")
        print("First by rank:")
        for rank, customer, arm, value, reason in found.rows(FIRST, name=name, shown=SHOWN):
            print(f"  {rank:>3}  {customer:<16}{arm:<16}{value or 0:>10,.0f}{unit}  {reason or ''}")
    return 0


def _without_consent(found, audience):
    """Return how many customers an audience leaves out because they did not agree."""
    if CONSENT not in {column["name"] for column in found.columns}:
        return 0
    met = f"{audience['met']} and not {CONSENT}"
    return found.rows(f"select count(*) from facts where {met}")[0][0]


def _print_plan(found, name, treated, control):
    """Print what the audience could show, as of the build: the plan is a mart."""
    try:
        plans = found.rows(PLAN, name=name)
    except duckdb.CatalogException:
        # A publication from before there were plans.
        plans = []
    if not plans:
        print("Its plan is there after the next build and publication.")
        return
    built = plans[0][-2:]
    if built != (treated, control):
        print(
            f"The plan is of the published build, with {built[0]:,} to contact and {built[1]:,} "
            "held out; build and publish for one of the audience as it is now."
        )
    print(f"What it can show within {plans[0][1]} days (two-sided test at 5 %, 80 % power):")
    for metric, _, size, mean, effect, share, forgone, needed_share, needed, *_ in plans:
        if effect is None or not mean:
            print(f"  {metric:<8}cannot tell: no holdout, or no history of such customers")
            continue
        needs = f"{needed:,} customers" if needed else "a holdout"
        if needed_share:
            needs = f"a holdout of {needed_share:.0%}, or {needs} with this one"
        print(
            f"  {metric:<8}{mean:,.2f} per customer so far; an effect from {effect:,.2f} "
            f"({share:+.0%}) on. The holdout of {size:,} then forgoes {forgone:,.0f}.\n"
            f"  {'':<8}An effect of 10 % needs {needs}."
        )


def _export(options, _) -> int:
    with open_audiences(project_folder()) as found:
        done = export(
            found,
            options.name,
            options.to,
            file_format=options.format,
            force=options.force,
        )
        if not done.is_new:
            what = (
                f"{options.to} was not there and has been written from its record"
                if done.wrote_file
                else f"{options.to} is as it was"
            )
            print(
                f"{options.name} was exported as of {found.as_of_date} before, as "
                f"{done.campaign_id}. Nothing new was recorded; {what}. --force records another."
            )
            return 0
        print(f"{counted(done.treated, 'customer')} to contact in {options.to}")
        share = done.control / (done.treated + done.control)
        fits = "" if done.p_value is None else f", sample ratio p = {done.p_value:.2g}"
        print(f"{done.control:,} are held out ({share:.1%}{fits})")
        print(f"Campaign {done.campaign_id} is recorded in {found.records}")
    return 0


SIZES = """
    select
        audience,
        count(*) filter (arm = 'treated'),
        count(*) filter (arm = 'control'),
        count(*) filter (arm = 'global_holdout'),
        coalesce(sum(value) filter (arm <> 'global_holdout'), 0)
    from members
    group by audience
"""
SEGMENTS = """
    select segment_name, count(*) filter (arm = 'treated'), count(*) filter (arm = 'control')
    from members
    where audience = $name and arm <> 'global_holdout'
    group by segment_name
    order by count(*) desc, segment_name
"""
FIRST = """
    select rank, customer_id, arm, value, reason
    from members where audience = $name order by rank limit $shown
"""
PLAN = """
    select
        metric, window_days, control_count, baseline_mean, detectable_effect, detectable_share,
        holdout_forgone, needed_holdout_share, needed_customer_count, treated_count, control_count
    from published.marts.fct_campaign_plans where audience = $name order by metric
"""
