"""One fit of topics and sentiment, as rows."""

import datetime

import numpy as np
import pandas as pd

from clientele.reviews.capitals import may_be_name
from clientele.reviews.due import fitted_on, in_force
from clientele.reviews.sentiment import fit_sentiment, kinds, lexicon
from clientele.reviews.topics import NAME_WORDS, fit_topics, keyed
from clientele.reviews.vocabulary import Counted, is_topical, normed, shown

# Words that may be names are taken for names if they are in fewer reviews than this.
NAME_SHARE = 0.01
WORDS_KEPT = 12


def fit_reviews(
    sample: pd.DataFrame,
    before: pd.DataFrame,
    *,
    reason: str,
    source_name: str,
    as_of_date: datetime.date,
    review_count: int,
    configuration: dict,
) -> pd.DataFrame:
    """Fit topics and sentiment on a sample and return the rows of a new version.

    Args:
        sample: A row per review with `terms`, `text`, `rating` and `written_date`, by key.
        before: The rows of all versions.
        reason: Why the fit is due.
        source_name: The source that the version is of.
        as_of_date: The day that the version is of.
        review_count: Reviews of the source, of which the sample is a part.
        configuration: `topic_counts`, `common_share` and `random_seed`.
    """
    terms = [list(own) for own in sample["terms"]]
    counted = Counted(terms)
    # Topics are what reviews talk about, and words of praise and blame are how they do.
    own = counted.topical(float(configuration["common_share"]), lexicon())
    idf, names = counted.idf()[own], counted.names[own]
    topics = fit_topics(
        normed(counted.matrix[:, own], idf),
        topic_counts=configuration["topic_counts"],
        random_seed=configuration["random_seed"],
    )
    latest = in_force(before, source_name, as_of_date)
    if latest.empty and len(before):
        # A version of a later day scores no earlier day, but it lends its keys.
        latest = (
            in_force(before, source_name, "9999-12-31") if _has(before, source_name) else latest
        )
    rare = counted.names[counted.counts < NAME_SHARE * len(sample)]
    hidden = may_be_name(rare, sample["text"])
    version = int(before["version"].max()) + 1 if len(before) else 1
    rows = _Rows()
    rows.add("version", "fitted_on", label=fitted_on(configuration))
    rows.add("version", "reason", label=reason)
    rows.add("version", "review_count", review_count)
    rows.add("version", "sample_count", len(sample))
    if topics is not None:
        _add_topics(rows, topics, names, idf, before, latest, hidden)
    order = (
        pd.to_datetime(sample["written_date"]).astype("datetime64[s]").astype("int64").to_numpy()
    )
    sentiment = fit_sentiment(counted, terms, kinds(sample["rating"].to_numpy(dtype=float)), order)
    # As with topics, further digits depend on threads.
    rows.add("sentiment", sentiment.method, round(sentiment.intercept, 6))
    for term in sorted(sentiment.weights):
        rows.add("sentiment_weight", term, round(sentiment.weights[term], 6))
    for term in sorted(sentiment.squares):
        rows.add("sentiment_square", term, sentiment.squares[term])
    for test in sentiment.backtests.to_dict("records"):
        for measure in [name for name in test if name != "model"]:
            rows.add(f"backtest {test['model']}", measure, round(float(test[measure]), 6))
    for term, count in zip(counted.names, counted.counts, strict=True):
        if (" " not in term or is_topical(term)) and term not in hidden:
            rows.add("shown", shown(term), float(count))
    frame = pd.DataFrame(rows.rows, columns=["part", "name", "topic_number", "value", "label"])
    return frame.assign(source_name=source_name, version=version, as_of_date=as_of_date)


class _Rows:
    """The rows of a fit."""

    def __init__(self):
        self.rows = []

    def add(self, part, name, value=None, *, topic=0, label=None):
        self.rows.append((part, name, topic, value, label))


def _has(before, source_name):
    return bool((before["source_name"] == source_name).any())


def _add_topics(rows, topics, names, idf, before, latest, hidden):
    """Add the topics with the keys they keep, and what SQL scores them with.

    Words that are ``hidden`` belong to a topic as others do, and are not shown.
    """
    old = latest[latest["part"] == "topic"].set_index("topic_number")
    loads = latest[latest["part"] == "loading"]
    kept = {
        str(old.loc[number, "name"]): (
            str(old.loc[number, "label"]),
            dict(zip(own["name"], own["value"], strict=True)),
        )
        for number, own in loads.groupby("topic_number")
    }
    numbers = before.loc[before["part"] == "topic", "name"].str.removeprefix("topic-").astype(int)
    may_be_shown = np.array([name not in hidden for name in names])
    strongest = np.argsort(-topics.loadings * may_be_shown, axis=1, kind="stable")
    strongest = [row[may_be_shown[row]] for row in strongest]
    called = [
        ", ".join(shown(names[place]) for place in row[:NAME_WORDS]).capitalize() or "Rare words"
        for row in strongest
    ]
    last = int(numbers.max()) if len(numbers) else 0
    keys, said = keyed(topics.loadings, list(names), called, kept, last)
    for number, (key, name) in enumerate(zip(keys, said, strict=True), start=1):
        rows.add(
            "topic", key, float((topics.loadings[number - 1] > 0).sum()), topic=number, label=name
        )
        for rank, place in enumerate(strongest[number - 1][:WORDS_KEPT], start=1):
            rows.add("word", shown(names[place]), float(rank), topic=number)
        for place in np.flatnonzero(topics.loadings[number - 1] > 0):
            value = float(topics.loadings[number - 1, place])
            rows.add("loading", names[place], value, topic=number)
        for place in range(len(names)):
            value = round(float(topics.scoring[place, number - 1] * idf[place]), 9)
            rows.add("topic_weight", names[place], value, topic=number)
    for place, name in enumerate(names):
        rows.add("topic_square", name, float(idf[place] ** 2))
    rows.add("floor", "floor", topics.floor)
    for count, stability in topics.stability.items():
        rows.add("stability", str(count), stability, label="chosen" if count == len(keys) else None)
