"""Random shops of 1 to 300 customers, of every shape, build, pass their checks and have a summary.

In CI they are 300; elsewhere, where somebody waits, 75.
"""

import os

import pytest
from compiled_project import CompiledProject
from random_shops import SHAPES, random_shop

from clientele.summary import summary

SHOPS_OF_A_SHAPE = 12 if os.environ.get("CI") else 3
# Fewer candidates than by default, which is most of what a small shop costs.
VARIABLES = {"segmentation_cluster_counts": [2, 3, 5], "kmeans_starts": 1}


@pytest.fixture(scope="module")
def project(new_warehouse):
    return CompiledProject(new_warehouse("small_shops"), **VARIABLES)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_small_shop_builds_and_has_a_summary(project, shape):
    for seed in range(SHOPS_OF_A_SHAPE):
        warehouse = project.build(random_shop(shape, seed), check=seed % 3 == 0)
        page = summary(lambda sql, warehouse=warehouse: warehouse.execute(sql).fetchall())
        assert page.startswith("As of ") and "accepted" in page, (shape, seed)
        warehouse.close()
