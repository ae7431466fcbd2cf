"""The least that any answer about customers costs: one scan and one GROUP BY of the order lines."""

import sys

import duckdb

print(
    duckdb.sql(
        f"""
        select count(*), sum(line_count), sum(amount) from (
            select
                {sys.argv[2]} as customer_id,
                count(*) as line_count,
                sum({sys.argv[3]} * {sys.argv[4]}) as amount,
                min({sys.argv[5]}) as first_at,
                max({sys.argv[5]}) as last_at
            from read_parquet('{sys.argv[1]}')
            group by all
        )
        """
    ).fetchall()
)
