"""Three hundred random shops of 1 to 300 customers, of every shape, build and pass their checks."""

import pytest
from compiled_project import CompiledProject
from random_shops import SHAPES, random_shop

from clientele.summary import summary

SHOPS_OF_A_SHAPE = 12


@pytest.fixture(scope="module")
def project(new_warehouse):
    return CompiledProject(new_warehouse("small_shops"))


@pytest.mark.parametrize("shape", SHAPES)
def test_a_small_shop_builds_and_has_a_summary(project, shape):
    for seed in range(SHOPS_OF_A_SHAPE):
        warehouse = project.build(random_shop(shape, seed))
        page = summary(lambda sql, warehouse=warehouse: warehouse.execute(sql).fetchall())
        assert page.startswith("As of ") and "accepted" in page, (shape, seed)
        warehouse.close()
