"""Write simulated raw orders, at any size, and the bundled sample.

Customers are made in chunks, each with its own seed. Memory stays constant, and chunks are
independent.
"""

import json
import shutil
from decimal import Decimal
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet
from tqdm import tqdm

from clientele.simulation import contacts, events
from clientele.simulation.attributes import attributes_table, truth_of_attributes
from clientele.simulation.customers import Chunk, lines_table
from clientele.simulation.files import FORMATS, NULL, write
from clientele.simulation.reviews import reviews_tables, stream
from clientele.simulation.shop import (
    BUNDLE_SHARE,
    CATEGORIES,
    ELASTICITY,
    SEGMENTS,
    make_catalogue,
    products_table,
)


def generate(
    output_dir: Path,
    *,
    customers: int,
    seed: int = 1,
    file_format: str = "parquet",
    products: int = 200,
    campaign_uplift: float = 0.10,
    campaign_effects: float = 1.0,
    chunk_customers: int = 20_000,
    progress: bool = True,
) -> dict:
    """Write order lines and the other raw tables, and the truth about them, to ``output_dir``.

    ``order_lines``, ``campaigns``, ``customers``, ``events`` and ``reviews`` have one file per
    chunk of customers, so have the folders of ``truth``; ``products`` is one file,
    ``truth/events.json`` is about the events, and ``truth/truth.json`` the summary, which is also
    returned. The same arguments give the same bytes. ``campaign_uplift`` is the added probability
    of an order within two weeks for a treated customer who is still alive; 0 turns the effect of
    the campaign `spring-2025` off. ``campaign_effects`` multiplies the effects of the other
    campaigns (see ``clientele.simulation.campaigns``); with 0 they have none, and the order lines
    are those of a shop without them.

    Raises:
        ValueError: an argument out of range, or ``output_dir`` is not empty; nothing is written.
    """
    output_dir = Path(output_dir)
    if not 1 <= customers <= 10_000_000:
        raise ValueError(f"customers={customers}: choose 1 to 10,000,000")
    if not 2 * len(CATEGORIES) <= products <= 100_000:
        raise ValueError(f"products={products}: choose {2 * len(CATEGORIES)} to 100,000")
    if file_format not in FORMATS:
        raise ValueError(f"file_format='{file_format}': choose one of {', '.join(FORMATS)}")
    if not 0 <= campaign_uplift <= 1:
        raise ValueError(f"campaign_uplift={campaign_uplift}: a probability is from 0 to 1")
    if not 0 <= campaign_effects <= 2:
        raise ValueError(f"campaign_effects={campaign_effects}: a factor is from 0 to 2")
    if output_dir.exists() and (not output_dir.is_dir() or any(output_dir.iterdir())):
        raise ValueError(f"{output_dir} is not empty; name a new folder, or empty it")

    unfinished = output_dir.with_name(f".{output_dir.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    for folder in (
        *("order_lines", "campaigns", "customers", "events", "reviews"),
        *("truth/customers", "truth/reviews", "truth/guests", "truth/accounts"),
    ):
        (unfinished / folder).mkdir(parents=True)

    root = np.random.SeedSequence(seed)
    catalogue = make_catalogue(np.random.default_rng(root.spawn(1)[0]), products)
    write(products_table(catalogue), unfinished / f"products.{file_format}", file_format)
    chunks = -(-customers // chunk_customers)
    rows, amounts, members, attributes, visited = {}, {}, {}, {}, []
    counts = {"guest_lines": 0, "lines_without_product": 0}
    counts |= {"matched_return_lines": 0, "unmatched_return_lines": 0}
    bar = tqdm(total=customers, unit=" customers", disable=None if progress else True)
    with bar:
        for index, child in enumerate(root.spawn(chunks)):
            first = index * chunk_customers
            size = min(chunk_customers, customers - first)
            chunk = Chunk(np.random.default_rng(child), catalogue, first, size)
            campaign_rng = np.random.default_rng(child.spawn(1)[0])
            lines, people, campaign, planted = chunk.simulate(
                campaign_uplift, campaign_rng, campaign_effects
            )
            for key, found in planted.items():
                members[key] = tuple(np.add(members.get(key, (0, 0)), found).tolist())
            part = f"part-{index:05d}"
            # Drawn after the orders, from streams of their own, which change nothing about them.
            described, planted, who = attributes_table(
                np.random.default_rng(child.spawn(1)[0]),
                first,
                chunk.segment,
                file_format,
                contacts.stream(child),
            )
            for key, found in planted.items():
                attributes[key] = attributes.get(key, 0) + found
            written, guests = contacts.guests_contacts(lines, who, first)
            accounts = contacts.truth_of_accounts(who, first)
            for of, about in (("guests", guests), ("accounts", accounts)):
                pa.parquet.write_table(about, unfinished / f"truth/{of}/{part}.parquet")
            table = lines_table(lines, file_format)
            for name, column in written.items():
                table = table.append_column(name, column)
            write(
                table,
                unfinished / f"order_lines/{part}.{file_format}",
                file_format,
            )
            write(campaign, unfinished / f"campaigns/{part}.{file_format}", file_format)
            write(described, unfinished / f"customers/{part}.{file_format}", file_format)
            visits, of_visits = events.visits(
                events.stream(child), lines, chunk.segment, first, products, file_format=file_format
            )
            visited.append(of_visits)
            write(visits, unfinished / f"events/{part}.{file_format}", file_format)
            pa.parquet.write_table(people, unfinished / f"truth/customers/{part}.parquet")
            reviews, about = reviews_tables(stream(child), lines, first, file_format)
            write(reviews, unfinished / f"reviews/{part}.{file_format}", file_format)
            pa.parquet.write_table(about, unfinished / f"truth/reviews/{part}.parquet")
            reasons, which = np.unique(lines["reason"], return_inverse=True)
            cents = np.where(lines["quantity"] == NULL, 0, lines["quantity"]) * np.where(
                lines["price"] == NULL, 0, lines["price"]
            )
            for i, reason in enumerate(reasons.tolist()):
                rows[reason] = rows.get(reason, 0) + int((which == i).sum())
                amounts[reason] = amounts.get(reason, 0) + int(cents[which == i].sum())
            for name, found in chunk.counts.items():
                counts[name] += found
            bar.update(size)

    truth = {
        "customers": customers,
        "seed": seed,
        "rows": dict(sorted(rows.items())),
        "amounts": {k: str(Decimal(v) / 100) for k, v in sorted(amounts.items())},
        **counts,
        "segments": SEGMENTS,
        "bundles": [[f"P{i}" for i in bundle] for bundle in catalogue["bundles"]],
        "bundle_share": BUNDLE_SHARE,
        "elasticity": ELASTICITY,
        "campaign_uplift": campaign_uplift,
        "campaigns": [
            {"campaign_id": campaign, "arm": arm, "customers": n, "extra_orders": extra}
            for (campaign, arm), (n, extra) in members.items()
        ],
        "attributes": truth_of_attributes(attributes),
    }
    (unfinished / "truth/truth.json").write_text(json.dumps(truth, indent=1) + "\n")
    about_visits = json.dumps(events.add_up(visited), indent=1)
    (unfinished / "truth/events.json").write_text(about_visits + "\n")
    if output_dir.exists():
        output_dir.rmdir()
    unfinished.rename(output_dir)
    return truth


def write_sample(project: Path) -> dict:
    """Write the bundled sample: its seeds, and their truth for the tests.

    Only `spring-2025` has an effect in it: its orders are older than the other campaigns.
    """
    made = Path(project) / "target/sample"
    shutil.rmtree(made, ignore_errors=True)
    made.parent.mkdir(exist_ok=True)
    truth = generate(made, customers=3_000, file_format="csv", campaign_effects=0, progress=False)
    seeds, truths = Path(project) / "seeds/sample", Path(project) / "tests/python/sample_truth"
    truths.mkdir(parents=True, exist_ok=True)
    lines = made / "order_lines/part-00000.csv"
    duckdb.execute(
        f"copy (select * exclude (email, phone, name, postcode) from read_csv('{lines}', "
        f"all_varchar = true)) to '{seeds / 'sample_order_lines.csv'}' (header)"
    )
    shutil.copyfile(made / "products.csv", seeds / "sample_products.csv")
    shutil.copyfile(made / "campaigns/part-00000.csv", seeds / "sample_campaigns.csv")
    shutil.copyfile(made / "customers/part-00000.csv", seeds / "sample_customers.csv")
    shutil.copyfile(made / "events/part-00000.csv", seeds / "sample_events.csv")
    shutil.copyfile(made / "truth/events.json", truths / "events.json")
    shutil.copyfile(made / "truth/truth.json", truths / "truth.json")
    people = pa.parquet.read_table(made / "truth/customers/part-00000.parquet")
    write(people.select(["customer_id", "segment"]), truths / "customers.csv", "csv")
    shutil.copyfile(made / "reviews/part-00000.csv", seeds / "sample_reviews.csv")
    accounts = pa.parquet.read_table(made / "truth/accounts/part-00000.parquet")
    write(accounts, truths / "accounts.csv", "csv")
    about = pa.parquet.read_table(made / "truth/reviews/part-00000.parquet")
    write(about, truths / "reviews.csv", "csv")
    shutil.rmtree(made)
    return truth
