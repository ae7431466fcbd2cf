"""Hash the SQL, lookups and settings that decide the order-level tables."""

import hashlib
import json
from pathlib import Path

# Later models are built as a whole by every build, so what they say decides nothing that is kept.
DECIDING = [
    "dbt_project.yml",
    "macros",
    "models/staging",
    "models/intermediate/orders",
    "seeds/lookups",
]


def build_configuration(said: str) -> str:
    """Return a hash of the settings and of the project's files that decide order-level tables.

    Args:
        said: JSON of ``project``, the project's folder, and anything else that is decisive.

    Example::

        build_configuration('{"project": ".", "settings": {"reversal_days": 7}}')
    """
    project = Path(json.loads(said)["project"])
    digest = hashlib.sha256(said.encode())
    for name in DECIDING:
        place = project / name
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if path.is_file():
                digest.update(str(path.relative_to(project)).encode() + path.read_bytes())
    return digest.hexdigest()[:32]
