"""Mine itemsets by every engine and its peers, from a DuckDB table to a DuckDB table.

python benchmarks/rules.py --cases groceries,retail-1%,retail-0.5%,... --peers PATH/TO/python

Every miner (`miner.py`) is a process of its own on the same table; all that finish must give the
same itemsets with the same counts, or this ends with an error. CPU and wall seconds are from
reading to writing, without the imports, the median of three runs where one takes less than five
seconds; peak memory is the process's. `PATH/TO/python` is an interpreter of an environment that has
pyfim, efficient-apriori, duckdb, numpy and pyarrow; without it those peers are left out. Real data
are looked for where the tests look. Figures go to results.json, and RESULTS.md is written again.
"""

import argparse
import json
import math
import os
import statistics
import sys
from pathlib import Path

import duckdb
from baskets import write_baskets
from builds import DATA
from measuring import PROJECT, measure
from report import HERE, keep

REAL = Path(os.environ.get("SEGMENTATION_DATA_DIR", PROJECT / "../shared/data"))
SOURCES = {
    "groceries": f"select transaction_id as basket_id, item from '{REAL}/groceries/*.parquet'",
    "retail": (
        "select distinct Invoice as basket_id, StockCode as item "
        f"from '{REAL}/online_retail_ii/*.parquet' "
        "where Quantity > 0 and Price > 0 and Invoice not like 'C%'"
    ),
    "t10i4d100k": f"select tid as basket_id, item from '{REAL}/t10i4d100k/*.parquet'",
}
GENERATED = {"100k": 100_000, "1m": 1_000_000, "10m": 10_000_000}
OURS = ["clientele bitmap", "clientele sql"]
MLXTEND = ["mlxtend fpgrowth, sparse", "mlxtend fpgrowth, dense", "mlxtend apriori, dense"]
MLXTEND += ["mlxtend apriori low_memory, dense"]
OTHERS = ["efficient-apriori", "pyfim fpgrowth", "pyfim eclat"]
# Data, support in percent, miners.
CASES = {
    f"{data}-{support}%": (data, support, [*OURS, *MLXTEND, *OTHERS])
    for data, supports in {
        "groceries": [0.1], "retail": [1, 0.5], "t10i4d100k": [1, 0.1], "100k": [0.05],
    }.items()
    for support in supports
}  # fmt: skip
CASES |= {
    "1m-0.2%": ("1m", 0.2, [*OURS, "pyfim eclat"]),
    "1m-0.1%": ("1m", 0.1, [*OURS, "pyfim eclat"]),
    "1m-0.05%": ("1m", 0.05, [*OURS, "mlxtend fpgrowth, sparse", *OTHERS]),
    "10m-0.05%": ("10m", 0.05, OURS),
}
TIMEOUT = 900
MEMORY_GB = 14


def table_of(data: str) -> Path:
    """Return a DuckDB file with the baskets, made when it is not there."""
    folder = DATA / "rules"
    folder.mkdir(parents=True, exist_ok=True)
    database = folder / f"{data}.duckdb"
    if not database.exists():
        query = SOURCES.get(data)
        if query is None:
            parquet = folder / f"{data}.parquet"
            write_baskets(parquet, baskets=GENERATED[data])
            query = f"select basket_id, item from '{parquet}'"
        with duckdb.connect(str(database)) as connection:
            connection.execute("set memory_limit = '2GB'; set preserve_insertion_order = false")
            connection.execute(f"create table baskets as {query}")
    return database


def digest(output: Path) -> tuple[int, str]:
    """Return how many itemsets there are, and a digest of them with their counts."""
    with duckdb.connect(str(output), read_only=True) as connection:
        count, xor = connection.execute(
            "select count(*), bit_xor(md5_number(list_sort(itemset)::varchar || basket_count)) "
            "from itemsets"
        ).fetchall()[0]
    return count, str(xor)


def mined(miner: str, database: Path, count: int, peers: str | None) -> dict:
    """Return what a miner took, and what it found; or why it did not."""
    interpreter = peers if miner in OTHERS else sys.executable
    if interpreter is None:
        return {"failed": "not installed"}
    output = database.with_name("found.duckdb")
    runs = []
    while not runs or (len(runs) < 3 and runs[0]["cpu"] < 5):
        output.unlink(missing_ok=True)
        command = [interpreter, str(HERE / "miner.py"), miner, str(database), str(count)]
        run = measure([*command, str(output)], timeout=TIMEOUT, memory_gb=MEMORY_GB)
        if run["timed_out"]:
            return {"failed": f"not done in {TIMEOUT} s"}
        if run["exit"] != 0:
            reason = run["output"].strip().splitlines()[-1] if run["output"].strip() else "killed"
            return {"failed": reason[:90]}
        spent = json.loads(run["output"].strip().splitlines()[-1])
        runs.append(spent | {"peak_mb": run["peak_mb"]})
    found = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
    found["itemsets"], found["digest"] = digest(output)
    return found


def measured(case: str, peers: str | None) -> dict:
    """Return what each miner took for one case, by name."""
    data, support, miners = CASES[case]
    database = table_of(data)
    with duckdb.connect(str(database), read_only=True) as connection:
        query = "select count(distinct basket_id) from baskets"
        baskets = connection.execute(query).fetchall()[0][0]
    count = math.ceil(support / 100 * baskets - 1e-9)
    found = {}
    for miner in miners:
        found[miner] = mined(miner, database, count, peers)
        print(case, miner, found[miner], flush=True)
    digests = {run["digest"] for run in found.values() if "digest" in run}
    assert len(digests) == 1, f"{case}: miners disagree: {found}"
    return found


def main() -> int:
    """Measure each case and write the results after it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--peers")
    options = parser.parse_args()
    for case in options.cases.split(","):
        keep("rules", case, measured(case, options.peers))
    return 0


if __name__ == "__main__":
    sys.exit(main())
