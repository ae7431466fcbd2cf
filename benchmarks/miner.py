"""Mine the frequent itemsets of a DuckDB table by one library, into a DuckDB table.

python benchmarks/miner.py PEER DATABASE COUNT OUTPUT

DATABASE has `baskets` (basket_id, item); OUTPUT gets `itemsets` (itemset, basket_count): the sets
of any length that COUNT baskets hold. Prints the CPU and wall seconds from reading to writing as
JSON; what importing the libraries takes is left out, for it differs and is paid once.
"""

import json
import sys
import time
from itertools import chain

import duckdb
import numpy as np
import pyarrow as pa

MEMORY_LIMIT = "2GB"


def kept(session, count):
    """Return the frequent items, and each basket's: ``items[starts[b]:starts[b + 1]]``."""
    session.execute(
        "create temp table kept as "
        "select item, row_number() over (order by count(*), item) - 1 as n "
        f"from baskets group by item having count(*) >= {count}"
    )
    labels = session.execute("select item::varchar from kept order by n").fetchnumpy()
    lists = session.execute(
        "select list(kept.n::int) as items from baskets inner join kept using (item) "
        "group by basket_id"
    ).to_arrow_table()["items"]
    items, starts = [np.empty(0, dtype=np.int32)], [np.zeros(1, dtype=np.int64)]
    for chunk in lists.chunks:
        offsets = chunk.offsets.to_numpy()
        starts.append(offsets[1:] - offsets[0] + starts[-1][-1])
        items.append(chunk.flatten().to_numpy())
    return np.asarray(next(iter(labels.values()))), np.concatenate(items), np.concatenate(starts)


def numbered(labels, sets, counts):
    """Return labels, lengths and counts of sets of numbers."""
    lengths = np.fromiter(map(len, sets), dtype=np.int64, count=len(sets))
    members = np.fromiter(chain.from_iterable(sets), dtype=np.int64, count=lengths.sum())
    return labels[members], lengths, counts


def clientele(engine):
    """Return a miner by one of this project's engines."""
    from clientele.rules.itemsets import find_itemsets

    def mine(session, count):
        # Never reached: the count decides.
        found = find_itemsets(
            session.table("baskets"), min_support=1e-9, min_count=count, max_length=None,
            engine=engine, session=session,
        )  # fmt: skip
        labels = found.labels.astype(str)
        items = np.concatenate([labels[sets].ravel() for sets in found.sets])
        lengths = np.repeat(np.arange(1, len(found.sets) + 1), list(map(len, found.sets)))
        return items, lengths, np.concatenate(found.counts).sum(axis=1)

    return mine


def mlxtend(name, sparse, **options):
    """Return a miner by one of mlxtend's functions, on the frequent items only."""
    import pandas as pd
    from mlxtend import frequent_patterns
    from scipy.sparse import csr_array

    def mine(session, count):
        labels, items, starts = kept(session, count)
        basket_count = len(starts) - 1
        ones = np.ones(len(items), dtype=bool)
        holds = csr_array((ones, items, starts), shape=(basket_count, len(labels)))
        if sparse:
            table = pd.DataFrame.sparse.from_spmatrix(holds)
        else:
            table = pd.DataFrame(holds.toarray(), copy=False)
        support = (count - 0.5) / basket_count
        found = getattr(frequent_patterns, name)(table, min_support=support, **options)
        counts = np.rint(found["support"].to_numpy() * basket_count).astype(np.int64)
        return numbered(labels, found["itemsets"].to_list(), counts)

    return mine


def efficient_apriori():
    """Return a miner by efficient-apriori."""
    from efficient_apriori import itemsets_from_transactions

    def mine(session, count):
        labels, items, starts = kept(session, count)
        items, starts = items.tolist(), starts.tolist()
        baskets = [tuple(items[a:b]) for a, b in zip(starts[:-1], starts[1:], strict=True)]
        support = (count - 0.5) / len(baskets)
        found, _ = itemsets_from_transactions(baskets, support, max_length=len(labels))
        found = {itemset: n for level in found.values() for itemset, n in level.items()}
        return numbered(labels, list(found), list(found.values()))

    return mine


def pyfim(name):
    """Return a miner by one of Borgelt's functions in C."""
    import fim

    def mine(session, count):
        labels, items, starts = kept(session, count)
        items, starts = items.tolist(), starts.tolist()
        baskets = [items[a:b] for a, b in zip(starts[:-1], starts[1:], strict=True)]
        # Negative: a number of baskets, not a percentage.
        found = getattr(fim, name)(baskets, target="s", supp=-count, zmin=1, report="a")
        return numbered(labels, [itemset for itemset, _ in found], [n for _, n in found])

    return mine


MINERS = {
    "clientele bitmap": lambda: clientele("bitmap"),
    "clientele sql": lambda: clientele("sql"),
    "clientele auto": lambda: clientele("auto"),
    "mlxtend fpgrowth, sparse": lambda: mlxtend("fpgrowth", sparse=True),
    "mlxtend fpgrowth, dense": lambda: mlxtend("fpgrowth", sparse=False),
    "mlxtend hmine, sparse": lambda: mlxtend("hmine", sparse=True),
    "mlxtend hmine, dense": lambda: mlxtend("hmine", sparse=False),
    "mlxtend apriori, sparse": lambda: mlxtend("apriori", sparse=True),
    "mlxtend apriori, dense": lambda: mlxtend("apriori", sparse=False),
    "mlxtend apriori low_memory, sparse": lambda: mlxtend("apriori", sparse=True, low_memory=True),
    "mlxtend apriori low_memory, dense": lambda: mlxtend("apriori", sparse=False, low_memory=True),
    "efficient-apriori": efficient_apriori,
    "pyfim eclat": lambda: pyfim("eclat"),
    "pyfim fpgrowth": lambda: pyfim("fpgrowth"),
}


def write(output, items, lengths, counts):
    """Write the itemsets, each a list of labels."""
    starts = pa.array(np.concatenate([[0], np.cumsum(lengths)]), pa.int32())
    itemset = pa.ListArray.from_arrays(starts, pa.array(items, pa.string()))
    found = pa.table({"itemset": itemset, "basket_count": pa.array(counts, pa.int64())})
    with duckdb.connect(output) as warehouse:
        warehouse.register("found", found)
        warehouse.execute("create table itemsets as from found")


def main():
    """Mine as the arguments say."""
    peer, database, count, output = sys.argv[1:]
    mine = MINERS[peer]()
    cpu, wall = time.process_time(), time.perf_counter()
    settings = {"memory_limit": MEMORY_LIMIT, "temp_directory": f"{output}.temp"}
    # As in the profile of the project; kept order costs memory, and nothing here needs it.
    settings["preserve_insertion_order"] = "false"
    with duckdb.connect(database, read_only=True, config=settings) as session:
        found = mine(session, int(count))
    write(output, *found)
    spent = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
    print(json.dumps(spent))


if __name__ == "__main__":
    main()
