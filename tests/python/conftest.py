"""Shared fixtures: where the real data are, and one built warehouse per source."""

import os
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def real_data():
    """Return a function from a relative path to a real data file; it skips where there is none."""
    root = Path(os.environ.get("SEGMENTATION_DATA_DIR", PROJECT / "../shared/data"))

    def locate(relative):
        path = (root / relative).resolve()
        if not path.exists():
            pytest.skip(f"real data {relative} not found in {root}; set SEGMENTATION_DATA_DIR")
        return path

    return locate
