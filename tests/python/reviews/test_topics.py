"""Topics and sentiment of reviews: planted ones are found, keys last, negation turns around."""

import datetime

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score, roc_auc_score

from clientele.reviews.capitals import mostly_capitalised
from clientele.reviews.due import FIT_TYPES, due
from clientele.reviews.fitting import fit_reviews
from clientele.reviews.sentiment import fit_sentiment, lexicon
from clientele.reviews.vocabulary import Counted

CONFIGURATION = {"topic_counts": [4, 5, 6, 7, 8, 10, 12], "common_share": 0.1, "random_seed": 1}
DAY = datetime.date(2025, 6, 30)
SAID = {"source_name": "shop", "configuration": CONFIGURATION}
NOTHING = pd.DataFrame(columns=list(FIT_TYPES))


@pytest.fixture(scope="module")
def reviews(sample):
    """The sample's reviews as a fit reads them."""
    return sample.frame("from features.feat_reviews order by review_key").set_index("review_key")


@pytest.fixture(scope="module")
def fitted(reviews):
    """A first fit of them."""
    return fit_reviews(
        reviews, NOTHING, reason="first", as_of_date=DAY, review_count=len(reviews), **SAID
    )


def topics_of(fitted):
    """Return key and name of each topic of a fit, in order."""
    return fitted.loc[fitted["part"] == "topic", ["name", "label"]].to_numpy().tolist()


@pytest.fixture(scope="module")
def told(sample):
    """Topic, sentiment and truth of each review that is used."""
    return sample.frame(
        """
        from marts.fct_review_topics as r
        join read_csv('tests/python/sample_truth/reviews.csv') as t on r.review_key = t.review_id
        select r.review_key, r.customer_id, r.topic_key, r.sentiment, t.topic, t.is_good
        """
    )


def test_planted_topics_are_found_and_nonsense_is_on_none(told):
    planted = told["topic"].notna()
    found = told["topic_key"].fillna("none")
    assert adjusted_rand_score(told["topic"][planted], found[planted]) >= 0.8
    assert told["topic_key"][planted].nunique() == 6
    assert (~planted).sum() >= 10 and told["topic_key"][~planted].isna().all()
    # What is on no topic stays rare.
    assert told["topic_key"][planted].isna().mean() < 0.02


def test_sentiment_finds_the_planted_kind(told):
    known = told[told["topic"].notna()]
    assert roc_auc_score(known["is_good"], known["sentiment"]) > 0.98
    assert abs(known["sentiment"].mean() - known["is_good"].mean()) < 0.05


def test_sql_scores_as_the_package_does(sample, reviews):
    fit = sample.frame("from ml.ml_reviews__fits where version = (select max(version) from "
                       "ml.ml_reviews__fits)")  # fmt: skip
    part = {name: rows.set_index("name")["value"] for name, rows in fit.groupby("part")}
    weights = fit[fit["part"] == "topic_weight"].pivot(
        index="name", columns="topic_number", values="value"
    )
    wanted = {}
    for key, terms in reviews["terms"].items():
        own = [term for term in terms if term in weights.index]
        topics = weights.loc[own].sum() / max(np.sqrt(part["topic_square"][own].sum()), 1e-12)
        topics = topics.round(9)
        topic = topics.idxmax() if own and topics.max() > part["floor"]["floor"] else None
        felt = [term for term in terms if term in part["sentiment_weight"].index]
        length = max(np.sqrt(part["sentiment_square"][felt].sum()), 1e-12)
        odds = part["sentiment_weight"][felt].sum() / length
        wanted[key] = (topic, 1 / (1 + np.exp(-odds - part["sentiment"].iloc[0])))
    found = sample.frame("from ml.ml_reviews__scored").set_index("review_key")
    ours = pd.DataFrame(wanted, index=["topic", "sentiment"]).T.loc[found.index]
    assert (ours["topic"].astype(float).fillna(0) == found["topic_number"].fillna(0)).all()
    sure = found["sentiment"].notna()
    assert sure.mean() > 0.98
    np.testing.assert_allclose(
        ours["sentiment"][sure].astype(float), found["sentiment"][sure], atol=1e-8
    )


def test_topics_keep_key_and_name_over_a_refit(reviews, fitted):
    """Half of the reviews are gone and all words are told in another order."""
    half = reviews.sample(frac=0.5, random_state=3).sort_index()
    again = fit_reviews(
        half, fitted, reason="older", as_of_date=DAY, review_count=len(half), **SAID
    )
    assert set(again["version"]) == {2}
    assert sorted(topics_of(again)) == sorted(topics_of(fitted)) and len(topics_of(again)) == 6


def test_a_topic_that_is_new_gets_a_key_that_was_never_used(reviews, fitted):
    shares = reviews["text"].str.contains("parcel|delivery|shipping|courier|tracking|driver")
    rest = reviews[~shares]
    fewer = {**SAID, "configuration": {**CONFIGURATION, "topic_counts": [5]}}
    later = datetime.date(2025, 7, 1)
    second = fit_reviews(
        rest, fitted, reason="x", as_of_date=later, review_count=len(rest), **fewer
    )
    gone = {key for key, _ in topics_of(fitted)} - {key for key, _ in topics_of(second)}
    assert len(gone) == 1
    both = pd.concat([fitted, second])
    third = fit_reviews(
        reviews, both, reason="x", as_of_date=later, review_count=len(reviews), **SAID
    )
    new = {key for key, _ in topics_of(third)} - {key for key, _ in topics_of(second)}
    assert new == {"topic-7"}


def test_a_fit_is_kept_until_something_makes_another_due(fitted):
    versions = fitted[fitted["part"] == "version"]
    day, count = DAY + datetime.timedelta(days=179), int(versions["value"].max())
    same = dict(as_of_date=day, review_count=count, refit=False, refit_days=180, **SAID)
    assert due(versions, **same) is None
    assert due(versions, **{**same, "as_of_date": DAY + datetime.timedelta(days=180)})
    assert due(versions, **{**same, "review_count": 2 * count}) is None
    assert due(versions, **{**same, "review_count": 2 * count + 1}).startswith(f"{2 * count + 1:,}")
    assert due(versions, **{**same, "refit": True}) == "reviews_refit is true"
    other = {**same, "configuration": {**CONFIGURATION, "random_seed": 2}}
    assert due(versions, **other) == "configuration: random_seed"
    assert due(versions, **{**same, "source_name": "other"}) == "nothing kept"
    # A version of a later day scores no earlier day.
    earlier = DAY - datetime.timedelta(days=1)
    assert due(versions, **{**same, "as_of_date": earlier}) == "nothing kept"


def said(*words):
    """Return the terms of a text as the macro `terms_of` has them, in Python."""
    pairs = [" ".join(pair) for pair in zip(words, words[1:], strict=False)]
    turned = [
        f"not {word}"
        for place, at in enumerate(words)
        if at == "not"
        for word in words[place + 1 : place + 4]
    ]
    return list(dict.fromkeys([*words, *pairs, *turned]))


def test_the_lexicon_turns_a_negated_word_around():
    weights = lexicon()

    def odds(*words):
        return sum(weights.get(term, 0) for term in said(*words))

    assert odds("good") > 0 > odds("bad")
    assert odds("not", "good") < 0 and odds("not", "a", "very", "good", "cup") < 0
    assert odds("not", "bad") > 0
    # Four words away is another thought.
    assert odds("not", "mine", "but", "it", "is", "good") > 0


def test_learned_sentiment_tells_good_from_not_good():
    rng = np.random.default_rng(1)
    nouns = np.array("tea mug hat pan jug lid box bag".split())
    texts, kind = [], []
    for _ in range(900):
        good, negated = rng.random(2) < 0.5
        word = "good" if good != negated else "bad"
        texts.append(said(*rng.choice(nouns, 3), *(["not"] if negated else []), "very", word))
        kind.append(float(good))
    kind = np.array(kind)
    fit = fit_sentiment(Counted(texts), texts, kind, np.arange(900))
    assert fit.method == "ratings" and fit.weights["not good"] < 0 < fit.weights["not bad"]
    tests = fit.backtests.set_index("model")
    assert tests.loc["ratings", "auc"] > 0.99 and tests.loc["ratings", "brier"] < 0.02
    assert tests.loc["share", "auc"] == 0.5 and tests["is_used"].to_dict()["ratings"]


def test_ratings_that_words_do_not_predict_leave_the_lexicon():
    rng = np.random.default_rng(2)
    texts = [said(*rng.choice("tea mug hat pan jug lid box bag".split(), 4)) for _ in range(600)]
    fit = fit_sentiment(Counted(texts), texts, (rng.random(600) < 0.5) * 1.0, np.arange(600))
    assert fit.method == "lexicon" and fit.weights == lexicon()
    few = fit_sentiment(Counted(texts), texts, np.repeat([1.0, 0.0], [501, 99]), np.arange(600))
    assert few.method == "lexicon" and few.backtests.empty


def test_a_word_with_a_capital_within_sentences_is_taken_for_a_name():
    texts = pd.Series(["I ask for Ada. Nice cup.", "I met Ada, Bo and LOUD people", "a nice bo"])
    assert mostly_capitalised(texts) == {"i", "ada"}


def test_a_word_that_only_ever_begins_a_sentence_with_a_capital_may_be_a_name():
    texts = pd.Series(["Cy helped. Thanks.", "nice. Cy is kind. LOUD.", "thanks to all"])
    assert mostly_capitalised(texts) == {"cy"}
