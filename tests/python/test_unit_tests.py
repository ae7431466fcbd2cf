"""dbt's unit tests, which `clientele build` leaves to development and CI."""

import re


def test_every_unit_test_passes(sample_copy, manifest):
    done = sample_copy.dbt("test", "--warn-error", "--select", "resource_type:unit_test")
    passed = re.search(r"PASS=(\d+) WARN=0 ERROR=0 SKIP=0", done.output)
    # dbt counts the project's hooks too.
    assert passed and int(passed[1]) >= len(manifest["unit_tests"]) > 70, done.output[-5000:]
