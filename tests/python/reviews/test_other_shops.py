"""Planted topics of other simulated shops than the sample, on which the settings were chosen."""

import pytest
from conftest import NO_TESTS, PROJECT
from sklearn.metrics import adjusted_rand_score

from clientele.simulation.generating import generate


@pytest.mark.parametrize("seed", [2, 3])
def test_planted_topics_of_another_shop_are_found(new_warehouse, tmp_path, seed):
    generate(tmp_path / "data", customers=3_000, seed=seed, progress=False)
    settings = (PROJECT / "sources/generated.yml").read_text() + f"\ndata: {tmp_path}/data\n"
    warehouse = new_warehouse(f"topics_{seed}")
    warehouse.dbt("build", "--vars", settings, *NO_TESTS, "-s", "lookups", "+fct_review_topics")
    assert warehouse.exit_code == 0, warehouse.output[-3000:]
    told = warehouse.frame(
        f"""
        from marts.fct_review_topics as r
        join '{tmp_path}/data/truth/reviews/*.parquet' as t on r.review_key = t.review_id
        select r.topic_key, t.topic
        """
    )
    planted, found = told["topic"].notna(), told["topic_key"].fillna("none")
    agreement = adjusted_rand_score(told["topic"][planted], found[planted])
    assert len(told) > 1_000 and agreement >= 0.8, agreement
    # Nothing says that there are six.
    assert told["topic_key"][planted].nunique() == 6
    assert told["topic_key"][~planted].isna().mean() >= 0.9
