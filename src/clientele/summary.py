"""The figures that are shown after a build."""

from collections.abc import Callable, Collection

from clientele.reconciling import loss, nothing_left, orders_of, reconciled
from clientele.sources.common import counted

CAMPAIGN_RESULTS = "fct_campaign_results"
CAMPAIGNS_SHOWN = 2
CUSTOMER_ATTRIBUTES = "rpt_customer_attributes"


def _table(rows: list[tuple], header: tuple[str, ...], numbers: set[int]) -> list[str]:
    """Return the lines of a table, columns in ``numbers`` to the right; none without rows."""
    if not rows:
        return []
    cells = [header, *[tuple(str(value) for value in row) for row in rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    return [
        "  "
        + "  ".join(
            cell.rjust(width) if i in numbers else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]


def summary(
    query: Callable[[str], list[tuple]],
    *,
    currency: str = "",
    rule_count: int = 5,
    marts: Collection[str] = (),
) -> str:
    """Return a page of text about the marts that ``query`` reads, amounts in ``currency``.

    ``marts`` are the names of those that are there: some exist only if the source has their table.
    """
    unit = f" {currency}" if currency else ""
    reasons = query(
        """
        select reason, row_count, amount, unknown_amount_row_count, meaning
        from marts.rpt_data_quality
        where row_count > 0
        order by case when reason = 'accepted' then 0 else 1 end, row_count desc, reason
        """
    )
    customers, revenue, as_of_date = query(
        "select count(*), sum(monetary), max(as_of_date) from marts.fct_customer_features"
    )[0]
    orders, guest_orders, net = orders_of(query)
    day = f"As of {as_of_date}: " if as_of_date else ""
    lines = [
        *nothing_left(orders, guest_orders, net, unit),
        *loss([row[:4] for row in reasons]),
        f"{day}{counted(customers, 'customer')}, {counted(orders, 'order')}, "
        f"{revenue or 0:,.0f}{unit} from known customers"
        + (f"; guests made {counted(guest_orders, 'more order')}." if guest_orders else "."),
        *(_attributes(query) if CUSTOMER_ATTRIBUTES in marts else []),
        *_changes(query),
        *_restatements(query),
        "",
        "Segments (how customers buy)",
    ]
    segments = query(
        """
        select segment_name, customer_count, customer_share, revenue_share, recommended_action,
            is_predictive
        from marts.dim_segments where segmentation = 'behaviour' order by net_amount desc
        """
    )
    lines += _table(
        [
            (name, f"{n:,}", f"{cs:.0%}", f"{rs or 0:.0%}", do)
            for name, n, cs, rs, do, _ in segments
        ],
        ("segment", "customers", "share", "revenue", "what to do"),
        {1, 2, 3},
    )
    if not segments:
        lines.append("  none; customers are too few or too similar, as where all bought once")
    elif segments[0][-1] is None:
        lines.append("  The history is too short to test whether these segments predict.")
    elif not segments[0][-1]:
        lines.append(
            "  These segments predict nothing beyond chance: go by the action of each customer."
        )
    rules = query(
        f"""
        select antecedent, consequent, confidence, lift, holdout_lift, order_count
        from marts.fct_association_rules
        where scope = 'all' and item_level = 'product' and is_significant and not is_redundant
        order by lift desc, antecedent, consequent limit {rule_count:d}
        """
    )
    total = query(
        "select count(*), coalesce(sum(case when lift < 1 then 1 else 0 end), 0), "
        "coalesce(sum(case when is_significant and not is_redundant then 1 else 0 end), 0) "
        "from marts.fct_association_rules where scope = 'all' and item_level = 'product'"
    )[0]
    others = query(
        "select item_level, count(*) from marts.fct_association_rules "
        "where scope = 'all' and item_level <> 'product' group by item_level order by item_level"
    )
    also = "".join(f", {number:,} of level {level}" for level, number in others)
    lines += [
        "",
        f"Products bought together ({total[0]:,} rules, {total[1]:,} with lift below 1, "
        f"{total[2]:,} neither chance nor redundant{also})",
    ]
    if not rules and query("select count(*) from marts.dim_products")[0][0] == 0:
        lines.append("  none; the source names no products")
    elif not rules:
        lines.append("  none; lower the vars `rules_min_support` or `rules_min_confidence`")
    lines += _table(
        [
            (a, "=>", c, f"{conf:.0%}", f"{lift:.1f}", "" if since is None else f"{since:.1f}", n)
            for a, c, conf, lift, since, n in rules
        ],
        ("who buys", "", "also buys", "confidence", "lift", "tested", "orders"),
        {3, 4, 5, 6},
    )
    lines += ["", *_forecasts(query, unit)]
    if CAMPAIGN_RESULTS in marts:
        lines += _campaigns(query)
    lines += ["", f"Outcome of {sum(row[1] for row in reasons):,} raw lines"]
    lines += _table(
        [
            (reason, f"{n:,}", f"{amount or 0:,.2f}", f"{unknown:,}" if unknown else "", why)
            for reason, n, amount, unknown, why in reasons
        ],
        ("reason", "lines", "amount", "amount unknown", "meaning"),
        {1, 2, 3},
    )
    return "\n".join([*lines, *_reconciliation(query)])


def _attributes(query):
    """Return a line about the customers that the source lists, and what is known of them."""
    rows = query(
        "select attribute, listed_customer_count, prospect_count, known_count, unreadable_count, "
        "conflicting_count from marts.rpt_customer_attributes order by attribute"
    )
    if not rows:
        return []
    _, listed, prospects, *_ = rows[0]
    known = ", ".join(f"{name} {count / listed:.0%}" for name, _, _, count, *_ in rows)
    lines = [
        f"The table `customers` lists {listed:,}, of whom {prospects:,} never bought (prospects). "
        f"Known: {known}."
    ]
    for name, _, _, _, unreadable, conflicting in rows:
        counts = [(unreadable, "do not read"), (conflicting, "differ between rows of a customer")]
        told = " and ".join(f"{count:,} {why}" for count, why in counts if count)
        lines += [f"  Of {name}, {told}."] if told else []
    return lines


def _changes(query):
    """Return a line about the orders that changed since the build before; none if all were new."""
    rows = query(
        "select is_whole_build, new_order_count, changed_order_count, vanished_order_count, "
        "released_order_count, touched_customer_count from marts.rpt_build_changes "
        "order by built_at desc limit 1"
    )
    if not rows or rows[0][0]:
        return []
    row = rows[0]
    counts = zip(row[1:5], ("new", "changed", "vanished", "judged by another day"), strict=True)
    changes = [f"{count:,} {change}" for count, change in counts if count]
    if not changes:
        return ["Since the build before, no order changed."]
    return [
        f"Orders since the build before: {', '.join(changes)}; {row[5]:,} customers computed again."
    ]


def _restatements(query):
    """Return a line for each past day on which customers stand otherwise than its build said."""
    rows = query(
        """
        select as_of_date, reason, count(distinct customer_id) as customers
        from marts.rpt_restatements
        group by grouping sets ((as_of_date), (as_of_date, reason))
        order by as_of_date desc, case when reason is null then 0 else 1 end, customers desc, reason
        """
    )
    days = {}
    for day, reason, count in rows:
        customers = "customer" if count == 1 else "customers"
        days.setdefault(day, []).append(f"{count:,} {reason or customers}")
    return [
        f"Restated as of {day}: {customers} ({', '.join(reasons)})."
        for day, (customers, *reasons) in days.items()
    ]


def _reconciliation(query):
    """Return the lines that compare the source with the marts, and with what was expected."""
    rows = query(
        """
        select currency, measure, step, reason, amount, unknown_amount_row_count
        from marts.rpt_reconciliation
        where period = 'all' order by currency, measure, step_number
        """
    )
    table, expected = reconciled(rows)
    if not table:
        return []
    header = ("", "in the file", "left out", "in the marts", "largest reasons")
    return [
        "",
        "Reconciled with the source",
        *_table(table, header, {1, 2, 3}),
        *[f"  {sentence}" for sentence in expected],
    ]


def _forecasts(query, unit):
    """Return the lines of the forecasts, each with its reliability, and the reasons after them.

    A forecast that is not reliable stands next to what the same customers bought in as many days
    before, which is what anyone would guess.
    """
    values = query(
        """
        with recent as (
            select horizons.horizon_days, count(*) as orders, sum(days.net_amount) as amount
            from (select distinct horizon_days, as_of_date from marts.fct_customer_values)
                as horizons
            join (
                select customer_id, order_date, sum(net_amount) as net_amount from marts.fct_orders
                where is_purchase and customer_id is not null group by customer_id, order_date
            ) as days on days.order_date > horizons.as_of_date - horizons.horizon_days
            group by horizons.horizon_days
        )
        select forecasts.horizon_days, forecasts.model, forecasts.reliability,
            sum(forecasts.expected_orders), sum(forecasts.clv),
            min(forecasts.reliability_reason), max(recent.orders), max(recent.amount)
        from marts.fct_customer_values as forecasts
        left join recent on forecasts.horizon_days = recent.horizon_days
        group by forecasts.horizon_days, forecasts.model, forecasts.reliability
        order by forecasts.horizon_days
        """
    )
    rows, reasons = [], []
    for days, _, reliability, orders, clv, reason, before, amount in values:
        # Without a repeat purchase no spend model can be fitted, and orders have no value.
        worth = "unknown" if clv is None else f"{clv:,.0f}{unit}"
        simple = f"{before or 0:,} orders, {amount or 0:,.0f}{unit}"
        is_reliable = reliability == "reliable"
        shown = "" if is_reliable else simple
        rows.append((f"{days} days", f"{orders:,.0f}", worth, reliability, shown))
        if not is_reliable:
            reasons.append(f"  {days} days, {reliability}: {reason}")
    model = f" ({values[0][1]})" if values else ""
    header = ("within", "orders", "value", "forecast", "the same days before")
    return [f"Expected from these customers{model}", *_table(rows, header, {1, 2}), *reasons]


def _campaigns(query):
    """Return a line for each arm of the last campaigns, verdict first; none without results.

    The verdict is about money. Orders vary less: they are told where they are clear and money is
    not.
    """
    rows = query(
        f"""
        select campaign_id, arm, first_assigned_date, metric, verdict, verdict_reason
        from marts.{CAMPAIGN_RESULTS}
        where segment = 'all' and metric in ('margin', 'orders')
        order by first_assigned_date desc, campaign_id desc, arm, metric
        """
    )
    last = list(dict.fromkeys(row[0] for row in rows))[:CAMPAIGNS_SHOWN]
    arms = {}
    for campaign, arm, day, metric, verdict, reason in rows:
        if campaign in last:
            arms.setdefault((campaign, arm, day), {})[metric] = (verdict, reason)
    counts = [campaign for campaign, _, _ in arms]
    lines = []
    for (campaign, arm, day), told in arms.items():
        verdict, reason = told["margin"]
        if verdict == "cannot tell" and told["orders"][0] in ("worked", "did not"):
            verdict, reason = f"{told['orders'][0]} for orders", f"{told['orders'][1]}"
            reason += " Margin: cannot tell."
        if verdict == "not a fair test":
            reason = reason.split(". ")[0].removesuffix(".") + "."
        name = f"{campaign}, {arm}" if counts.count(campaign) > 1 else campaign
        lines.append(f"  {verdict}: {name}, from {day}. {reason}")
    return ["", "Last campaigns", *lines] if lines else []
