"""Where things are: the project, its warehouse, dbt's artifacts, publications and campaigns."""

import os
from pathlib import Path


def project_folder() -> Path:
    """Return the project's folder, which is the current folder, as it is for dbt.

    Raises:
        ValueError: the current folder is no dbt project.
    """
    project = Path.cwd()
    if not (project / "dbt_project.yml").is_file():
        raise ValueError(
            f"{project} has no dbt_project.yml; run clientele in the project's folder, or make one "
            "with `clientele new FOLDER`"
        )
    return project


def warehouse_file(project: Path) -> Path:
    """Return the DuckDB file that is built."""
    return project / os.environ.get("CLIENTELE_DB", "clientele.duckdb")


def target_folder(project: Path) -> Path:
    """Return the folder of dbt's artifacts."""
    return project / os.environ.get("DBT_TARGET_PATH", "target")


def publications_folder(project: Path) -> Path:
    """Return the folder of publications."""
    return project / (os.environ.get("CLIENTELE_PUBLISH_DIR") or "published")


def campaigns_folder(project: Path) -> Path:
    """Return the folder of the records of exported audiences, which has one for each source."""
    return project / (os.environ.get("CLIENTELE_CAMPAIGNS_DIR") or "campaigns")
