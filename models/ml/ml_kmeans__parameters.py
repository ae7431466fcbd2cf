"""The scaler and centroids of one k-means fit, a row per cluster and feature."""

from clientele.clustering import kmeans
from clientele.frames import collect


def model(dbt, session):
    features = collect(dbt.ref("feat_customers__kmeans_sample"), key="customer_id")
    return kmeans(features, **dbt.config.meta_get("params"))
