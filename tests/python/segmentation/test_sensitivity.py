from versions_of_segments import FEATURES, fitted, three_kinds_of_customers

from clientele.segmentation.sensitivity import sensitivity


def test_sensitivity_finds_what_matters_and_what_does_not():
    customers = three_kinds_of_customers()
    found = sensitivity(
        "behaviour",
        customers,
        fitted(customers, 3),
        version=1,
        random_seed=1,
        min_share=0.02,
        knobs={},
    ).set_index(["variation", "changed_to"])["changed_share"]
    assert (found.loc["seed"] < 0.01).all()
    assert found.loc["scaling"].index.tolist() == ["standard", "robust", "quantile"]
    assert found.loc["feature left out"].index.tolist() == sorted(FEATURES)
    assert found.loc["clusters"].index.tolist() == ["2", "4"]
    assert found.loc["clusters"].min() > 0.05 and found.max() <= 1
