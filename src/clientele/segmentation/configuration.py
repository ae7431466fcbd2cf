"""The settings of the segmentations, in the form that fits read and versions record."""

import json
from dataclasses import asdict, dataclass

import pandas as pd

from clientele.segmentation.methods import METHODS


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """Everything that decides which segments a refit finds in given customers.

    `models/ml/segmentation/ml_segmentation__due.yml` fills it from vars. Fits read their settings
    from here and from nowhere else, and a change of any of them makes a refit due.

    ``feature_sets`` are the features by the name of their set. ``methods`` and ``cluster_counts``
    are tried; ``method`` and ``n_clusters`` pin one of them, or are None. ``sample_size`` is the
    number of customers that fits see, ``basket_itemsets`` and ``basket_min_support`` decide the
    features of the segmentation ``baskets``. ``knobs`` are keyword arguments of
    `clientele.segmentation.clustering.fit`. Raises ``ValueError`` on an unknown method.
    """

    feature_sets: dict[str, list[str]]
    methods: list[str]
    method: str | None
    cluster_counts: list[int]
    n_clusters: int | None
    scaling: str
    random_seed: int
    sample_size: int
    min_share: float
    basket_itemsets: int
    basket_min_support: float
    knobs: dict

    def __post_init__(self):
        """Refuse unknown methods."""
        if unknown := set(self.tried_methods) - METHODS.keys():
            raise ValueError(
                f"segmentation_method(s) {', '.join(sorted(unknown))}: give of {', '.join(METHODS)}"
            )

    @property
    def tried_methods(self) -> list[str]:
        """Return the pinned method, or all that are tried."""
        return [self.method] if self.method else list(self.methods)

    @property
    def tried_counts(self) -> list[int]:
        """Return the pinned number of clusters, or all that are tried, sorted."""
        return [self.n_clusters] if self.n_clusters else sorted(set(self.cluster_counts))

    def text(self) -> str:
        """Return the JSON that versions record and that refits are compared by."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def read(cls, due_rows: pd.DataFrame) -> "Configuration":
        """Return the configuration that the rows of `clientele.segmentation.drift.due` carry."""
        return cls(**json.loads(due_rows["configuration"].iloc[0]))
