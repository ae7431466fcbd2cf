"""Read a million reviews: from Parquet files to topics, sentiment and their marts.

python benchmarks/reviews.py --reviews 1000000

One dbt process runs the models of the family, the fit included, from the raw texts to the marts.
A text joins the first half of one review of `reviews_womens_clothing` with the second half of
another. Figures go to results.json, and RESULTS.md is written again. `SEGMENTATION_DATA_DIR` names
the folder of real data, `CLIENTELE_BENCH_DATA` another folder for what is generated.
"""

import argparse
import os
from pathlib import Path

from measuring import DATA, PROJECT, data_written, keep_run, run_family, tell

TEXTS = "reviews_womens_clothing/reviews.parquet"
MODELS = [
    "stg_reviews", "int_reviews", "feat_reviews", "ml_reviews__fits", "ml_reviews__in_force",
    "ml_reviews__scored", "dim_topics", "fct_review_topics", "fct_customer_reviews",
    "rpt_topic_effects", "rpt_sentiment_backtests", "rpt_review_quality",
]  # fmt: skip
COLUMNS = ["review_id", "customer_id", "product_id", "written_at", "rating", "text"]
COUNTS = "select count(*), count(topic_key), count(sentiment) from marts.fct_review_topics"


def generate_data(folder: Path, texts: Path, reviews: int) -> None:
    """Write the reviews, and a warehouse with the orders of their customers."""
    with data_written(folder) as (unfinished, connection):
        connection.execute(
            f"""
            create temp table texts as
            select row_number() over () - 1 as n, "Review Text" as text, "Rating" as rating
            from '{texts}' where length("Review Text") > 40;
            copy (
                select 'V' || i as review_id, 'C' || (hash(i) % {reviews // 3}) as customer_id,
                    'P' || (hash(i, 1) % 1000) as product_id,
                    timestamp '2024-01-01' + to_seconds(hash(i, 2) % (730 * 86400)) as written_at,
                    cast(a.rating as varchar) as rating,
                    a.text[: length(a.text) // 2] || ' ' || b.text[length(b.text) // 2 :] as text
                from (
                    select i, cast(hash(i, 3) % 20000 as bigint) as first_text,
                        cast(hash(i, 4) % 20000 as bigint) as second_text
                    from range({reviews}) as t (i)
                ) as drawn
                join texts as a on a.n = drawn.first_text
                join texts as b on b.n = drawn.second_text
            ) to '{unfinished}/reviews.parquet' (format parquet);
            create schema intermediate;
            create table intermediate.int_as_of_dates as select 0 as period_number,
                date '2025-12-31' as as_of_date, true as is_current, false as is_forward_cutoff;
            create table intermediate.int_orders as
            select 'C' || (hash(i, 5) % {reviews // 3}) as customer_id, true as is_purchase,
                cast(date '2024-01-01' + cast(hash(i, 6) % 730 as int) as date) as order_date
            from range({reviews}) as t (i)
            """
        )


def main() -> int:
    """Measure, print, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reviews", type=int, default=1_000_000)
    parser.add_argument("--timeout", type=float, default=900)
    parser.add_argument("--dry", action="store_true", help="print only, keep nothing")
    options = parser.parse_args()
    root = Path(os.environ.get("SEGMENTATION_DATA_DIR", PROJECT / "../shared/data"))
    folder = (DATA / f"reviews-{options.reviews}").absolute()
    if not folder.exists():
        generate_data(folder, root / TEXTS, options.reviews)
    load = os.getloadavg()[0]
    run = run_family(
        folder, "reviews", "reviews.parquet", COLUMNS, MODELS, extract_date="2025-12-31",
        memory="2GB", timeout=options.timeout, counts=COUNTS,
    )  # fmt: skip
    case = f"{options.reviews:,} reviews"
    if not tell(run, case, load):
        return 1
    if not options.dry:
        keep_run(run, "reviews", case, f"texts to marts, load {load:.1f} before")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
