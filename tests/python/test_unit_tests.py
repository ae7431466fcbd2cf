"""dbt's unit tests, which `clientele build` leaves to development and CI."""


def test_every_unit_test_passes(sample_copy, manifest):
    done = sample_copy.dbt("test", "--warn-error", "--select", "resource_type:unit_test")
    count = len(manifest["unit_tests"])
    assert count > 70
    assert f"PASS={count} WARN=0 ERROR=0 SKIP=0" in done.output, done.output[-5000:]
