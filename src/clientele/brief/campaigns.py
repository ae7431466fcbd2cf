"""What the last campaigns brought, if the publication has their results."""

RESULTS = "fct_campaign_results"
SHOWN = 3
# The figure that is told first, by what a result is measured in.
METRICS = ("margin", "revenue", "orders", "conversion")


def last_campaigns(reader, min_cell: int) -> list[str]:
    """Return a sentence per campaign, the latest first; none without the mart of results."""
    needed = ("campaign_id", "segment", "metric", "verdict")
    if not reader.has(RESULTS, *needed):
        return []
    columns = reader.columns["now", RESULTS]
    day = next((name for name in ("assigned_date", "start_date") if name in columns), "null")
    size = next((name for name in ("treated_count", "customer_count") if name in columns), "null")
    rows = reader.rows(
        f"""
        select campaign_id, metric, verdict, {day} as day, {size} as size
        from now.marts.{RESULTS}
        where coalesce(segment, 'all') = 'all'
        order by day desc nulls last, campaign_id desc
        """
    )
    found: dict[str, tuple] = {}
    for row in rows:
        rank = METRICS.index(row[1]) if row[1] in METRICS else len(METRICS)
        if row[4] is not None and row[4] < min_cell:
            continue
        if row[0] not in found or rank < found[row[0]][0]:
            found[row[0]] = (rank, row)
    sentences = []
    for _, (campaign, metric, verdict, when, _) in list(found.values())[:SHOWN]:
        since = f", from {when}" if when else ""
        sentences.append(f"{campaign}{since} ({metric}): {verdict}")
    return sentences
