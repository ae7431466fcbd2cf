"""Sentences of simulated reviews: what they are about, by topic, and what they say about it."""

THINGS = {
    "delivery": "parcel, delivery, shipping, courier, tracking, box, driver, postage",
    "fit": "size, sleeves, waist, length, shoulders, cut, collar, hem",
    "quality": "material, seams, handle, finish, stitching, surface, zip, colour",
    "price": "price, discount, voucher, offer, sale, bargain, cost, bill",
    "gift": "present, gift, wrapping, card, ribbon, surprise, birthday box, Christmas bag",
    "service": "staff, support team, hotline, exchange, refund, reply, helpdesk, chat",
}
# Predicates that go with a thing of the topic, bad ones (False) and good ones (True).
OWN = {
    "delivery": {
        True: ["came early", "arrived promptly", "travelled safely"],
        False: ["came late", "arrived wet", "travelled badly"],
    },
    "fit": {
        True: ["sat well", "flattered me", "did not pinch"],
        False: ["sat badly", "pinched me", "did not fit"],
    },
    "quality": {
        True: ["felt solid", "stayed sturdy", "did not break"],
        False: ["felt flimsy", "broke soon", "did not last"],
    },
    "price": {
        True: ["saved money", "seemed fair", "did not rise"],
        False: ["wasted money", "seemed unfair", "rose overnight"],
    },
    "gift": {
        True: ["delighted my daughter", "charmed the children", "did not embarrass me"],
        False: ["embarrassed my mother", "bored the children", "did not cheer me"],
    },
    "service": {
        True: ["helped quickly", "answered kindly", "did not delay"],
        False: ["refused help", "answered rudely", "did not answer"],
    },
}
ANY = {
    True: ["pleased us", "impressed everyone", "excelled", "worked well", "looked lovely",
           "exceeded my hopes", "did not disappoint me", "rocked"],
    False: ["failed", "annoyed everyone", "disappointed us", "did not work well", "looked awful",
            "did not convince me", "was not good", "sucked"],
}  # fmt: skip
OPENERS = {
    True: ["Happy.", "Lovely.", "Great.", "Perfect.", "Really good."],
    False: ["Unhappy.", "Terrible.", "Not good.", "Awful.", "Really bad."],
}
CLOSERS = {
    True: ["Recommended.", "Thanks.", "Again soon.", "Excellent."],
    False: ["Not recommended.", "Avoid.", "Never again.", "Rubbish."],
}
NAMES = "Alice Boris Carmen Dmitri Esther Farid Greta Hannes Ingrid Jorge Keiko Lorenzo".split()
CONTACTS = [
    "{name} can tell you more, write to {lower}{number}@mail.example.",
    "Ask for {name}, 020 7946 {number}.",
]
SYLLABLES = "zor vek qua lim tuf xan bry gow nim pel".split()
