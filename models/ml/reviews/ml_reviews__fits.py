"""Topics and sentiment of the reviews as numbers, a version for each fit."""

import pandas as pd

from clientele.frames import as_table, collect
from clientele.reviews.due import FIT_TYPES, due


def model(dbt, session):
    days = collect(dbt.ref("int_as_of_dates"), key="period_number")
    reviews = dbt.ref("feat_reviews")
    said = dbt.config.meta_get("params")
    told = {
        "source_name": dbt.config.meta_get("source_name"),
        "as_of_date": days.loc[0, "as_of_date"],
        "review_count": reviews.count() if hasattr(reviews, "toPandas") else len(reviews),
        "configuration": said["configuration"],
    }
    before = pd.DataFrame(columns=list(FIT_TYPES))
    if dbt.is_incremental:
        # Only what decides whether a fit is due; the rest is read if one is.
        before = _stored(session, f"select * from {dbt.this} where part = 'version'")
    reason = due(before, refit=said["refit"], refit_days=said["refit_days"], **told)
    if reason is None or not told["review_count"]:
        return as_table(session, pd.DataFrame(columns=list(FIT_TYPES)), FIT_TYPES)
    # scikit-learn takes a second to import; a build that keeps its fit does without.
    from clientele.libraries import load

    load("scipy.sparse", "scipy.optimize", "sklearn.decomposition", "sklearn.linear_model")
    from clientele.reviews.fitting import fit_reviews

    if dbt.is_incremental:
        before = _stored(
            session, f"select * from {dbt.this} where part in ('topic', 'loading', 'version')"
        )
    sample = collect(reviews.filter("is_sampled"), key="review_key")
    return as_table(session, fit_reviews(sample, before, reason=reason, **told), FIT_TYPES)


def _stored(session, query):
    found = session.sql(query)
    # A Spark Connect frame has any attribute, `df` too: it takes it for a column.
    return found.toPandas() if hasattr(found, "toPandas") else found.df()
