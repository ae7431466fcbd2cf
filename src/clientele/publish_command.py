"""What `clientele publish` does: publish the last build, list publications, go back to one."""

from pathlib import Path

from clientele.places import publications_folder, target_folder, warehouse_file
from clientele.publishing import builds, copies, folders


def publish(project: Path, *, allow_fewer_orders: bool = False) -> None:
    """Publish the last build, and print where readers find it.

    Raises:
        ValueError: the last build did not pass, or lost too many orders.
    """
    build, variables = builds.passed_build(target_folder(project), project)
    done = folders.publish(
        build,
        warehouse_file(project),
        publications_folder(project),
        kept=variables["publications_kept"],
        git_commit=builds.project_commit(project),
        min_share=0.0 if allow_fewer_orders else variables["publications_min_share"],
    )
    what = "Published" if done.is_new else "Published already" if done.was_current else "Back to"
    warned = f", built with {build.warning_count} warnings" if build.warning_count else ""
    current = _current(project)
    print(f"\n{what} {done.build_id}{warned}, to read while the next build runs:")
    print(f"  {current}\n  {current.parent}/<mart>.parquet")


def list_publications(project: Path) -> None:
    """Print a line for each publication; the current one has a star."""
    folder = publications_folder(project)
    for row in folders.publications(folder):
        mark = "*" if row["build_id"] == folders.current_build(folder) else " "
        print(
            f"{mark} {row['build_id']}  {row['source_name']} as of {row['as_of_date']}, "
            f"{row['mart_count']} marts, {row['row_count']:,} rows, "
            f"published {row['published_at']:%Y-%m-%d %H:%M:%S}"
        )


def roll_back(project: Path, build_id: str | None) -> None:
    """Make an earlier publication the current one; without a name the one before it."""
    done = folders.roll_back(publications_folder(project), build_id)
    print(f"Back to {done}: {_current(project)}")


def _current(project):
    return publications_folder(project) / folders.CURRENT / copies.DATABASE
