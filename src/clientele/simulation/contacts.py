"""How the simulated shop can reach its customers, and what guests write at the checkout.

Contacts have random numbers of their own: with or without them, all orders are the same. A person
writes them in different ways: capitals, another address, another notation of the telephone number.
"""

import numpy as np
import pyarrow as pa

STREAM = int.from_bytes(b"contact", "big") % 2**32
FIRST = (
    "Ann Ben Cora Dan Eve Finn Gwen Hugh Iris Jack Kate Liam Maya Noah Olga Paul Ruth Sam Tess "
    "Uma Vera Will Zoë José Renée Jürgen Søren Chloé Aoife Amélie"
).split()
LAST = (
    "Adler Baker Carter Dixon Evans Foster García Hughes Irving Jensen Kowalski Lambert Müller "
    "Nolan O'Brien Parker Quinn Rossi Schmidt Taylor Ursell Vaughan Walker Young Núñez Fischer "
    "Larsen Moreau Novák Brennan Osborne Whitfield Thornton Lindqvist Abernathy Castellano"
).split()
HOUSEHOLD = 0.1
SECOND_ACCOUNTS = 0.08
# Ways of a second record: e-mail in capitals, telephone, name and postcode, all with mistakes.
WAYS = [0.5, 0.22, 0.2, 0.08]
# Guests who leave nothing, or an address of the till's.
SILENT, TILL = 0.04, 0.02
TILL_ADDRESS = "till@shop.test-store.com"


def stream(seed: np.random.SeedSequence) -> np.random.Generator:
    """Return the random numbers of a chunk's contacts, which nothing else draws."""
    return np.random.default_rng(
        np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, STREAM))
    )


class People:
    """The persons of a chunk, buyers first: arrays of what identifies each."""

    def __init__(self, rng: np.random.Generator, first: int, buyers: int, prospects: int):
        """Draw who they are; ``first`` is the number of the first buyer and the first prospect."""
        self.rng, size = rng, buyers + prospects
        given, family = rng.integers(0, len(FIRST), size), rng.integers(0, len(LAST), size)
        number = np.concatenate(
            [first + np.arange(buyers), 50_000_000 + first + np.arange(prospects)]
        )
        # One of a household has the telephone and postcode of the one before, and another name.
        shares = np.flatnonzero(rng.random(size) < HOUSEHOLD)
        shares = shares[shares > 0]
        home = np.arange(size)
        home[shares] = home[shares - 1]
        family[shares] = family[shares - 1]
        given[shares] = (given[shares - 1] + 1 + rng.integers(0, 9, len(shares))) % len(FIRST)
        self.given, self.family = np.array(FIRST)[given], np.array(LAST)[family]
        self.digits = (number[home] * 15_485_863 + 7_654_321) % 10**9
        self.place = (number[home] * 7_919 + 13) % (26 * 26 * 10 * 10 * 26 * 26)
        self.number = number
        # The second account of a buyer, by prospect; -1 is an account of someone new.
        known = rng.random(prospects) < SECOND_ACCOUNTS
        self.twin_of = np.where(known, rng.permutation(max(buyers, prospects))[:prospects], -1)
        self.twin_of[self.twin_of >= buyers] = -1

    def written(self, person: np.ndarray, way: np.ndarray) -> dict[str, list]:
        """Return the columns email, phone, name and postcode as each person writes them."""
        columns = {"email": [], "phone": [], "name": [], "postcode": []}
        slips = self.rng.integers(0, 10**9, len(person))
        for i, how, slip in zip(person.tolist(), way.tolist(), slips.tolist(), strict=True):
            for name, value in zip(columns, self._row(i, how, slip), strict=True):
                columns[name].append(value)
        return columns

    def _row(self, i, how, slip):
        given, family, number = self.given[i], self.family[i], int(self.number[i])
        plain = f"{given}.{family}".lower().replace("'", "").replace(" ", "")
        email, phone = f"{plain}{number}@mail.net", f"07{self.digits[i]:09d}"
        rest, letters = int(self.place[i]), "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
        rest, a = divmod(rest, 26)
        rest, b = divmod(rest, 26)
        rest, c = divmod(rest, 26)
        rest, d = divmod(rest, 26)
        outer, inner = (
            f"{letters[a]}{letters[b]}{rest % 10}",
            f"{rest // 10}{letters[c]}{letters[d]}",
        )
        if how == -2:
            return TILL_ADDRESS, None, None, None
        if how < 0:
            return None, None, None, None
        if how == 0:
            return (email.upper() if slip % 2 else email), None, None, None
        if how == 1:
            digits = f"{self.digits[i]:09d}"
            shown = f"+44 7{digits[:3]} {digits[3:]}" if slip % 2 else f"0044(0)7{digits}"
            return f"{plain}.{slip}@post.org", shown, f"{given} {family}", None
        if how == 2:
            return None, None, f"{family.upper()}, {given}", f"{outer}{inner}".lower()
        if how == 3:
            slipped = slip % (len(family) - 1) + 1
            typo = family[:slipped] + family[slipped + 1 :]
            wrong = phone[:-1] + str((int(phone[-1]) + 1 + slip % 9) % 10)
            return email.replace("@mail", "@mial"), wrong, f"{given} {typo}", f"{outer} {inner}"
        return email, phone, f"{given} {family}", f"{outer} {inner}"

    def draw_ways(self, count: int) -> np.ndarray:
        """Return a way of writing for each of ``count`` second records."""
        return self.rng.choice(len(WAYS), count, p=WAYS)


def with_contacts(described: pa.Table, people: People, first: int, buyers: int) -> pa.Table:
    """Return the table of customers with what identifies each; second accounts differ."""
    ids = described.column("customer_id").to_pylist()
    person = np.array([int(i[1:]) - first + (buyers if i[0] == "V" else 0) for i in ids])
    way = np.full(len(person), 9)
    ways = people.draw_ways(len(people.twin_of))
    is_prospect = person >= buyers
    twin = np.full(len(person), -1)
    twin[is_prospect] = people.twin_of[person[is_prospect] - buyers]
    way[twin >= 0] = ways[person[twin >= 0] - buyers]
    for name, values in people.written(np.where(twin >= 0, twin, person), way).items():
        described = described.append_column(name, pa.array(values, pa.string()))
    return described


def guests_contacts(lines: dict, people: People, first: int) -> tuple[dict, pa.Table]:
    """Return the identifiers on each order line, of guests only, and who the guests are.

    Args:
        lines: The chunk's order lines as arrays; `buyer` is who bought, known or not.
        people: The persons of the chunk.
        first: Number of the first customer.
    """
    guests = (lines["customer"] < 0) & (lines["order"] >= 0) & (lines["kind"] == "O")
    order, where, back = np.unique(lines["order"][guests], return_index=True, return_inverse=True)
    buyer = lines["buyer"][guests][where]
    draw = people.rng.random(len(order))
    way = people.draw_ways(len(order))
    way = np.where(draw < SILENT, -1, np.where(draw < SILENT + TILL, -2, way))
    # A guest with the till's address is no one in particular.
    written = people.written(buyer - first, way)
    columns = {}
    for name, values in written.items():
        column = np.full(len(guests), None, object)
        column[guests] = np.array(values, object)[back]
        columns[name] = pa.array(column, pa.string())
    known = way >= 0
    truth = pa.table(
        {
            "record_id": [f"guest-order O{number}" for number in order[known].tolist()],
            "customer_id": [f"C{number}" for number in buyer[known].tolist()],
            "way": way[known],
        }
    )
    return columns, truth


def truth_of_accounts(people: People, first: int) -> pa.Table:
    """Return the second accounts of the chunk's buyers, with the buyer of each."""
    prospect = np.flatnonzero(people.twin_of >= 0)
    return pa.table(
        {
            "record_id": [f"V{first + number}" for number in prospect.tolist()],
            "customer_id": [f"C{first + i}" for i in people.twin_of[prospect].tolist()],
        }
    )
