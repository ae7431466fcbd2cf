"""Random shops of 1 to 300 customers, of every shape, build, pass their checks and have a summary.

One of each shape by default; `CLIENTELE_SMALL_SHOPS=12` builds 300.
"""

import os

import pytest
from compiled_project import CompiledProject
from random_shops import SHAPES, random_shop

from clientele.summary import summary

SHOPS_OF_A_SHAPE = int(os.environ.get("CLIENTELE_SMALL_SHOPS", "1"))
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
        assert "from known customers" in page and "raw lines" in page, (shape, seed)
        warehouse.close()
