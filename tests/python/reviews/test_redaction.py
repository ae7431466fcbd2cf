"""What is shown of reviews has no names, addresses or numbers, in several languages."""

import numpy as np
import pandas as pd
import pytest
from conftest import NO_TESTS

# Of each language: what reviews are about, in pairs of phrases, and a sentence that names a person.
LANGUAGES = {
    "english": (
        ["the parcel arrived late", "the box came early", "the courier was kind"],
        ["the price was fair", "the discount was real", "the voucher did work"],
        "Ask {name} at {street} Road {n}, {city}, 020 7946 {n}, order GB-{n}-X. {staff} knows.",
    ),
    "german": (
        ["das Paket kam spät", "die Lieferung war schnell", "der Bote war nett"],
        ["der Preis war gut", "der Rabatt war echt", "der Gutschein ging gut"],
        "Fragt {name}, {street}weg {n}, {n} {city}, +49 30 {n}, Auftrag #{n}. {staff} hilft.",
    ),
    "french": (
        ["le colis est en retard", "la livraison fut rapide", "le livreur fut poli"],
        ["le prix est juste", "la remise est bonne", "le bon est valable"],
        "Voyez {name}, {n} rue {street}, {n} {city}, 01.44.{n}, commande nº{n}. {staff} sait.",
    ),
    "russian": (
        ["посылка пришла поздно", "доставка была быстрой", "курьер был добр"],
        ["цена была честной", "скидка была верной", "купон был хорош"],
        "Пишите {name}, улица {street} {n}, {city}, +7 (495) {n}, заказ №{n}. {staff} знает.",
    ),
    "chinese": (
        ["快递很慢", "送货很快", "包装很好"],
        ["价格公道", "优惠很大", "打折便宜"],
        "找{name}，{city}{street}路{n}号，手机138{n}，订单{n}。{staff}知道。",
    ),
}
LATIN = "zor vek qua lim tuf xan bry gow nim pel dra fos hul jek".split()
CYRILLIC = "зор век кал лим туф хан бры гов ним пел дра фос хул жек".split()
HAN = list("赵钱孙李周吴郑冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜戚谢邹喻柏")
# Those who serve are named again and again, by less than one review in a hundred.
STAFF = {
    "english": ["Ottoline", "Peregrine"],
    "german": ["Waltraud", "Korbinian"],
    "french": ["Maëlys", "Thibault"],
    "russian": ["Светозар", "Милослава"],
    "chinese": ["欧阳靖瑶"],
}
DIGITS = {"english": "0123456789", "german": "0123456789", "french": "0123456789",
          "russian": "0123456789", "chinese": "０１２３４５６７８９"}  # fmt: skip
REVIEWS = 1_500


def _planted(rng, language):
    """Return a person: name, address and number that are in hardly any other review."""
    parts = {"russian": CYRILLIC, "chinese": HAN}.get(language, LATIN)
    said = {
        key: "".join(rng.choice(parts, size)).capitalize()
        for key, size in (("name", 3), ("street", 3), ("city", 3))
    }
    number = str(rng.integers(100_000, 999_999))
    return said | {"n": "".join(DIGITS[language][int(digit)] for digit in number)}


@pytest.fixture(scope="module")
def planted():
    """Reviews in five languages, each with a person, and what must not be shown."""
    rng = np.random.default_rng(20)
    rows, secrets = [], set()
    for number in range(REVIEWS):
        language = list(LANGUAGES)[number % len(LANGUAGES)]
        *topics, person = LANGUAGES[language]
        said = _planted(rng, language)
        staff = STAFF[language]
        # One in 25 reviews of a language, so one in 125 of all, has the name of one who serves.
        named = staff[number // 5 % len(staff)] if number // 5 % 25 < len(staff) else said["name"]
        about = ", ".join(rng.choice(topics[number // 5 % 2], 2, replace=False))
        mail = f"{LATIN[number % 14]}{number}"
        text = (
            f"{about}. {person.format(**said, staff=named)} {mail}@mail.example "
            f"{mail}＠post.example https://shop.example/{mail} www.shop.example/{mail}"
        )
        rows.append({"body": text, "stars": 1 + 4 * (number % 3 > 0)})
        secrets |= {*said.values(), named, mail}
    return pd.DataFrame(rows), secrets


@pytest.fixture(scope="module")
def shown(planted, new_warehouse):
    """Every text of `dim_topics`, and the words that its examples may have."""
    warehouse = new_warehouse("persons")
    folder = warehouse.folder
    planted[0].to_csv(folder / "reviews.csv", index=False)
    (folder / "lines.csv").write_text(
        "order,day,price,quantity\n" + "".join(f"o{n},2024-01-{n + 1:02d},5,1\n" for n in range(9))
    )
    said = f"""
source:
  name: many
  timezone: UTC
  currency: EUR
  extract_date: 2024-12-31
  tables:
    order_lines:
      path: "{folder}/lines.csv"
      columns: {{order_id: order, ordered_at: day, unit_price: price, quantity: quantity}}
    reviews:
      path: "{folder}/reviews.csv"
      columns: {{text: body, rating: stars}}
"""
    models = ["lookups", "+dim_topics", "+fct_review_topics"]
    warehouse.dbt("build", *NO_TESTS, "--vars", said, "--select", *models)
    assert warehouse.exit_code == 0, warehouse.output[-3000:]
    topics = warehouse.query(
        "select topic_name, words, example_1, example_2, example_3 from marts.dim_topics"
    )
    words = warehouse.query("select name from ml.ml_reviews__fits where part = 'shown'")
    return [text for row in topics for text in row if text], {word for (word,) in words}


def test_nothing_about_a_person_is_shown(planted, shown):
    texts, _ = shown
    told = [(s, text) for text in texts for s in planted[1] if s.lower() in text.lower()]
    assert told == []
    assert not any(sign.isdigit() or sign in "@＠" for text in texts for sign in text)


def test_no_word_that_an_example_may_show_is_a_name_that_returns(shown):
    """They are in enough reviews to count; only a capital tells, and in Chinese there is none."""
    _, words = shown
    chinese = STAFF["chinese"][0]
    pairs = {chinese[place : place + 2] for place in range(len(chinese) - 1)}
    names = {name.lower() for language in STAFF.values() for name in language}
    assert not words & (names | pairs)
    assert {"parcel", "preis", "colis", "快递"} <= words


def test_examples_still_say_what_they_are_about(shown):
    """A mart that hides everything would pass the other tests."""
    texts, _ = shown
    topics = [phrase for *said, _ in LANGUAGES.values() for about in said for phrase in about]
    examples = [text for text in texts if "…" in text]
    assert len(examples) >= 12
    assert all(any(about in text for about in topics) for text in examples)
