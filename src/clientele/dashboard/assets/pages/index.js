pages.index = {
  filters: (values) => [
    select("place", "Country", places(rowsOf("totals")), {says: "Covers all countries."}),
    select("by", "Segments by", segmentations(rowsOf("segments"))),
    select("months", "Months shown", [["24", "Two years"], ["12", "One year"], ["all", "All"]])
  ],
  draw({place, by, months: shownMonths}) {
    const here = (name) => rowsOf(name).filter((d) => d.place === place);
    const [total] = here("totals");
    const history = here("months").sort((a, b) => a.month_date - b.month_date);
    const months = history.slice(shownMonths === "all" ? 0 : -shownMonths);
    const over = history.filter((d) => +d.month_date !== openMonth);
    // Months that are over, three at a time: the last, those before, and the same a year ago.
    const [guests] = rowsOf("guests");
    const [value] = here("values").filter((d) => d.is_reliable && !d.is_hidden).sort((a, b) => b.horizon_days - a.horizon_days);
    const threeMonths = [over.slice(-3), over.slice(-6, -3), over.slice(-15, -12)].map((rows) => (rows.length === 3 && rows.every((d) => !d.is_hidden) ? rows : null));
    const amount = (key) => threeMonths.map((rows) => rows && (rows.every((d) => given(d[key])) ? sum(rows, key) : null));
    const ratio = (a, b) => a.map((value, i) => (given(value) && b[i] ? value / b[i] : null));
    const windows = [0, 1, 2].map((i) => here("windows").find((d) => d.months_back === [0, 3, 12][i]));
    const buyers = windows.map((d) => d?.customer_count ?? null), newcomers = amount("new_customer_count");
    const revenue = amount("net_amount"), orders = amount("order_count"), fresh = amount("new_net_amount");
    const change = ([now, then], when) => (given(now) && then > 0 ? `${show.change(now / then - 1, show.share)} on ${when}` : null);
    const notes = (values) => [change(values, "the 3 months before"), change([values[0], values[2]], "a year before")];
    const line = (key) => over.slice(-24).map((d) => (typeof key === "function" ? key(d) : d[key]));
    const three = (label, values, format, key) => ({label: `${label}, last 3 months`, value: given(values[0]) ? format(values[0]) : show.hidden, notes: notes(values), line: line(key)});
    const reach = over.length >= 3 ? `${show.month(over.at(-3).month_date)} to ${show.month(over.at(-1).month_date)}` : "";
    const share = (part) => (given(part) ? show.share(part / total.customer_count) : show.hidden);
    const key = tiles(!total || total.is_hidden ? [{label: "Customers", value: show.hidden}] : [
      {label: "Customers", value: show.count(total.customer_count), note: "with at least one kept purchase"},
      {label: "Total revenue", value: show.moneyShort(total.net_amount), note: `${show.count(total.order_count)} orders of known customers, net of returns`},
      place === ALL && guests?.order_count ? {label: "Guests, in no other figure", value: guests.is_hidden ? show.hidden : show.moneyShort(guests.net_amount), note: guests.is_hidden ? "" : `${show.share(guests.net_amount / (guests.net_amount + total.net_amount))} of all revenue, ${show.count(guests.order_count)} orders without a customer`} : null,
      {label: "Average order", value: show.moneyExact(total.average_order_value), note: "what purchases brought, by order"},
      {label: "Repeat rate", value: share(total.repeat_customer_count), note: "of customers have more than one order"},
      {label: "New or active", value: share(total.active_customer_count), note: given(total.active_customer_count) ? `${show.count(total.active_customer_count)} are in these stages` : "", href: "glossary.html"},
      value ? {label: `Expected within ${value.horizon_days} days`, value: show.moneyShort(value.clv), note: "the forecast passed its checks on past days", href: state.address({horizon: value.horizon_days}, "value.html")}
        : {label: "Expected revenue", value: "no figure", note: "No forecast is reliable; see Value for what failed.", href: "value.html"}
    ]);
    const recent = total && !total.is_hidden && over.length >= 3 ? [heading(`The last three months that are over (${reach})`), tiles([
      three("Revenue", revenue, show.moneyShort, "net_amount"), three("Orders", orders, show.count, "order_count"),
      three("Customers who bought", buyers, show.count, "customer_count"), three("New customers", newcomers, show.count, "new_customer_count"),
      three("Revenue of new customers", fresh, show.moneyShort, "new_net_amount"),
      three("Average order", ratio(amount("purchase_amount"), orders), show.moneyExact, (d) => (d.order_count ? d.purchase_amount / d.order_count : null))
    ])] : [];
    const about12 = {key: "month_date", label: "Month", format: (value) => show.month(value) + (+value === openMonth ? " (not over)" : "")};
    const segments = segmentsAt(place, by, total);
    const shown = segments.filter((d) => !d.is_hidden);
    const columns = [
      {key: "segment_name", label: "Segment", swatch: (d) => (d.is_rest ? "#888" : segmentColour(d.segment_key)), href: (d) => (d.is_rest ? null : state.address({place: place === ALL ? null : place, by, segment: d.segment_key}, "segments.html"))},
      {key: "customer_count", label: "Customers", format: show.count, bar: true}, {key: "customer_share", label: "Share of customers", format: show.share},
      {key: "net_amount", label: "Revenue", format: show.money, bar: true}, {key: "revenue_share", label: "Share of revenue", format: show.share}, {key: "recommended_action", label: "Recommended action"}];
    const measures = {customer_count: ["Customers", show.count], order_count: ["Orders", show.count], net_amount: ["Net revenue", show.money], repeat_customer_count: ["Repeat customers", show.count]};
    const difference = (d) => ({...d, change: d.is_hidden ? null : d.now - d.before});
    const changes = rowsOf("changes").map((d) => ({...difference(d), name: measures[d.measure][0]}));
    const moved = rowsOf("segment_changes").filter((d) => d.segmentation === by).map(difference);
    const [earlier] = rowsOf("earlier");
    const [build] = rowsOf("build").filter((d) => !d.is_hidden);
    const refit = rowsOf("refits").find((d) => d.segmentation === by);
    const first = "There is no earlier publication of this source to compare with. The next build will show its changes here.";
    const inPlace = place === ALL ? "" : ` in ${place}`;
    return [key, ...recent, grid(
      card({
        title: "Revenue by month", how: "Each bar is one month's net revenue from known customers. New customers made their first purchase in that month.", follows: ["place"],
        rows: months, empty: "No month with enough customers.", legend: KINDS.slice(0, 2), draw: (width) => revenueByMonth(months, width),
        note: openMonth && months.some((d) => +d.month_date === openMonth) ? `${show.month(new Date(openMonth))} is not over and therefore paler.` : "",
        columns: [about12, {key: "customer_count", label: "Customers", format: show.count}, {key: "order_count", label: "Orders", format: show.count}, {key: "net_amount", label: "Net revenue", format: show.money}, {key: "new_customer_count", label: "New customers", format: show.count}, {key: "new_net_amount", label: "Their revenue", format: show.money}]
      }),
      card({
        title: "Customers by month", how: "The line shows how many distinct customers ordered or returned something in each month. A hollow dot is the month that is not over.", follows: ["place"],
        rows: months, empty: "No month with enough customers.", draw: (width) => byMonth(months, width, {y: "customer_count", label: "Customers", format: show.count, tip: (d) => `${show.count(d.customer_count)} customers`}),
        columns: [about12, {key: "customer_count", label: "Customers", format: show.count}]
      })),
    heading("Where revenue comes from"), grid(
      card({
        title: "Revenue by segment", how: `A tile's area is the total revenue of the segment's customers${inPlace}. The largest tiles bring the most revenue.`, follows: ["place"],
        rows: shown, empty: "No customers here.", legend: shown.map((d) => [d.segment_name, d.is_rest ? "#888888" : segmentColour(d.segment_key)]), draw: (width) => treemap(shown, width), columns
      }),
      card({
        title: "Share of customers and of revenue", how: "If the revenue dot is to the right of the customer dot, the segment brings more revenue than its share of customers.", follows: ["place"],
        rows: shown, empty: "No customers here.", legend: SHARES, draw: (width) => shareDots(shown, width), columns
      }),
      card({
        title: "Revenue by country", how: `Countries of known customers by revenue. A country of fewer than ${about.min_cell} customers stands together with the next one.`, follows: [],
        rows: rowsOf("countries").length > 1 ? rowsOf("countries") : [], empty: "All customers are of one country.", wide: true, table: "open",
        columns: [{key: "country", label: "Country"}, {key: "customer_count", label: "Customers", format: show.count, bar: true}, {key: "net_amount", label: "Revenue", format: show.money, bar: true}, {key: "revenue_share", label: "Share of revenue", format: show.share}, {key: "order_count", label: "Orders", format: show.count}, {key: "average_order_value", label: "Average order", format: show.money}]
      })),
    heading("What the last build changed"), grid(
      card({
        title: "Key figures, then and now", how: `The previous publication${earlier ? ` (as of ${show.date(earlier.as_of_date)}, published ${show.date(earlier.published_date)})` : ""} compared with this one. A change made by few customers is not shown.`,
        note: build ? `The last build found ${show.count(build.new_order_count)} new, ${show.count(build.changed_order_count)} changed and ${show.count(build.vanished_order_count)} vanished orders in the source.` : "",
        rows: changes, empty: first, table: "open", follows: [],
        columns: [{key: "name", label: "Measure"}, {key: "before", label: "Before", format: (value, d) => measures[d.measure][1](value)}, {key: "now", label: "Now", format: (value, d) => measures[d.measure][1](value)}, {key: "change", label: "Change", format: (value, d) => show.change(value, measures[d.measure][1])}]
      }),
      card({
        title: "Segments, then and now", how: "Customers of each segment in the previous publication and in this one. Only segments with the same key are compared; others are new or retired. If few customers joined or left, the change is not shown.",
        note: refit ? `The segments were fitted again. ${refit.change_reason}.` : "",
        rows: moved, empty: first, table: "open", follows: [],
        columns: [{key: "segment_name", label: "Segment"}, {key: "status", label: "Status"}, {key: "before", label: "Before", format: show.count}, {key: "now", label: "Now", format: show.count}, {key: "change", label: "Change", format: (value) => show.change(value, show.count)}]
      }))];
  }
};

/** The segments of a country with their shares of all its customers; what is not shown is one row. */
function segmentsAt(place, by, total) {
  const told = new Map(rowsOf("segments").map((d) => [d.segment_key, d]));
  const rows = rowsOf("places").filter((d) => d.place === place && d.segmentation === by).map((d) => ({...d, segment_name: segmentName(d.segment_key), recommended_action: told.get(d.segment_key)?.recommended_action ?? null}));
  const shown = rows.filter((d) => !d.is_hidden);
  if (rows.length > shown.length && total && !total.is_hidden) {
    const rest = (key) => total[key] - sum(shown, key);
    shown.push({segment_key: REST, segment_name: "Segments that are not shown", customer_count: rest("customer_count"), net_amount: rest("net_amount"), is_rest: true});
  }
  return shown.map((d) => ({...d, customer_share: total?.customer_count ? d.customer_count / total.customer_count : null, revenue_share: total?.net_amount ? d.net_amount / total.net_amount : null, per_customer: d.customer_count ? d.net_amount / d.customer_count : null}))
    .sort((a, b) => (a.is_rest ? 1 : 0) - (b.is_rest ? 1 : 0) || b.net_amount - a.net_amount);
}
