"""Random shops of 1 to 300 customers, of every shape, build, pass their checks and have a summary.

One of each shape by default; `CLIENTELE_SMALL_SHOPS=12` builds 300.
"""

import os

import pytest
from compiled_project import Broken, CompiledProject
from random_shops import SHAPES, random_shop

from clientele.summary import summary

SHOPS_OF_A_SHAPE = int(os.environ.get("CLIENTELE_SMALL_SHOPS", "1"))
# Fewer candidates than by default, which is most of what a small shop costs.
VARIABLES = {"segmentation_cluster_counts": [2, 3, 5], "kmeans_starts": 1}
# No line of such a shop is accepted: a check stops its build, and no model fails.
REFUSED = {"free"}


@pytest.fixture(scope="module")
def project(new_warehouse):
    return CompiledProject(new_warehouse("small_shops"), **VARIABLES)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_small_shop_builds_and_has_a_summary(project, shape):
    for seed in range(SHOPS_OF_A_SHAPE):
        lines, is_refused = random_shop(shape, seed), shape in REFUSED
        if is_refused:
            with pytest.raises(Broken, match="assert_most_lines_are_accepted"):
                project.build(lines)
        warehouse = project.build(lines, check=seed % 3 == 0 and not is_refused)
        page = summary(lambda sql, warehouse=warehouse: warehouse.execute(sql).fetchall())
        assert "from known customers" in page and "raw lines" in page, (shape, seed)
        warehouse.close()
