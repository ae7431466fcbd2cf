"""Read from dbt's artifacts whether the last build may be published, and what it built."""

import json
import subprocess
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from clientele.sources import project_vars

# Statuses of nodes that need no repair; exposures are a "no-op".
PASSED = {"success", "pass", "warn", "no-op"}


@dataclass(frozen=True)
class Mart:
    """A public mart: its name, and the descriptions of it and of its columns."""

    name: str
    description: str = ""
    columns: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Build:
    """A build that may be published; `passed_build` reads it from dbt's artifacts."""

    invocation_id: str
    started_at: datetime
    # Modification time of run_results.json, which dbt writes after it has closed the warehouse.
    ended_ns: int
    dbt_version: str
    source_name: str
    currency: str | None
    min_cell: int
    marts: list[Mart]
    warning_count: int = 0

    @property
    def build_id(self) -> str:
        """The name of its publication. Names sort by the time of the build."""
        return f"{self.started_at:%Y%m%dT%H%M%SZ}-{self.invocation_id[:8]}"


def passed_build(target_path: Path, project: Path) -> tuple[Build, dict]:
    """Return the build that dbt's artifacts in ``target_path`` describe, and its vars.

    Raises:
        ValueError: there is none, dbt has run since, it was only part of the project, it was on
            another engine, or something in it failed.
    """
    results = _artifact(target_path / "run_results.json")
    manifest = _artifact(target_path / "manifest.json")
    arguments, metadata = results["args"], results["metadata"]
    if manifest["metadata"]["invocation_id"] != metadata["invocation_id"]:
        raise ValueError(
            "dbt has run since the last build that left results, and built nothing then; "
            "build again"
        )
    command = arguments.get("which")
    if command != "build":
        raise ValueError(
            f"the last dbt command was `{command}`, and only a whole `build` that passed is "
            "published; build again"
        )
    if arguments.get("target") not in (None, "duckdb"):
        raise ValueError(
            f"the last build was of target `{arguments['target']}`; only `duckdb` is published"
        )
    statuses = {result["unique_id"]: result["status"] for result in results["results"]}
    failed = [key for key, status in statuses.items() if status not in PASSED]
    # Skipped nodes are consequences; report the causes.
    causes = [key for key in failed if statuses[key] != "skipped"] or failed
    if failed:
        raise ValueError(
            f"the last build did not pass: {_some(causes)} "
            f"({', '.join(sorted({statuses[key] for key in causes}))}); fix it and build again"
        )
    # Unit tests check the code and not the data, so a build may leave them out.
    # A test of a model that the source does without is there and not enabled.
    expected = [
        key
        for key, node in manifest["nodes"].items()
        if node["resource_type"] != "analysis" and node["config"].get("enabled", True)
    ]
    if missing := [key for key in expected if key not in statuses]:
        raise ValueError(
            f"the last build was only part of the project, without {_some(missing)}; "
            "build again, all of it"
        )
    for flag in ("empty", "sample"):
        if arguments.get(flag):
            raise ValueError(f"the last build was made with --{flag}; build again, on all data")
    marts = [
        Mart(
            # The table's name, which includes the version of a versioned model.
            node["alias"],
            node["description"],
            {name: column["description"] for name, column in node["columns"].items()},
        )
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["access"] == "public"
    ]
    variables = project_vars(project, arguments.get("vars"))
    source = variables["source"]
    build = Build(
        invocation_id=metadata["invocation_id"],
        started_at=datetime.fromisoformat(metadata["invocation_started_at"]),
        ended_ns=(target_path / "run_results.json").stat().st_mtime_ns,
        dbt_version=metadata["dbt_version"],
        source_name=source["name"],
        currency=source.get("currency"),
        min_cell=whole("min_cell", variables["min_cell"]),
        marts=sorted(marts, key=lambda mart: mart.name),
        warning_count=sum(status == "warn" for status in statuses.values()),
    )
    return build, variables


def project_commit(project: Path) -> str | None:
    """Return the project's commit, with ``-dirty`` if files differ from it; None without git."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        found = subprocess.run(command, cwd=project, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return found.stdout.strip()


def whole(name: str, value: object) -> int:
    """Return ``value``, or raise ``ValueError`` unless it is a whole number, 1 or more."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{name} is {value!r}; it must be a whole number, 1 or more")
    return value


def _artifact(path: Path) -> dict:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(f"no build to publish: {path} does not exist; build first") from None
    except ValueError:
        raise ValueError(f"{path} is no valid JSON; build again") from None


def _some(keys: list[str], shown: int = 3) -> str:
    names = [".".join(key.split(".")[2:]) or key for key in sorted(keys)]
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more
