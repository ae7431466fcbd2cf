pages.segments = {
  filters: () => [
    select("by", "Segments by", segmentations(rowsOf("segments"))),
    (values) => select("segment", "Segment", rowsOf("segments").filter((d) => d.segmentation === values.by && !d.is_hidden).map((d) => [d.segment_key, d.segment_name]), {optional: false}),
    select("place", "Country", places(rowsOf("places")), {says: "Covers all countries."})
  ],
  draw({by, segment: key, place}) {
    const total = rowsOf("totals").find((d) => d.place === place);
    const sized = segmentsAt(place, by, total);
    const segment = rowsOf("segments").find((d) => d.segment_key === key && d.segmentation === by);
    const here = rowsOf("places").find((d) => d.segment_key === key && d.segmentation === by && d.place === place);
    const drivers = rowsOf("drivers").filter((d) => d.segmentation === by && !d.is_hidden);
    const inPlace = place === ALL ? "" : ` in ${place}`;
    const cards = [grid(
      card({
        title: "Size and revenue", how: `Customers of each segment${inPlace} and what they have paid. Compare the two shares of a segment.`, rows: sized, wide: true, table: "open", empty: "No customers here.", follows: ["place"],
        columns: [{key: "segment_name", label: "Segment", swatch: (d) => (d.is_rest ? "#888" : segmentColour(d.segment_key)), href: (d) => (d.is_rest ? null : state.address({segment: d.segment_key}))}, {key: "customer_count", label: "Customers", format: show.count, bar: true}, {key: "customer_share", label: "Share of customers", format: show.share}, {key: "net_amount", label: "Revenue", format: show.money, bar: true}, {key: "revenue_share", label: "Share of revenue", format: show.share}, {key: "per_customer", label: "Per customer", format: show.money, bar: true}]
      }),
      card({
        title: "What distinguishes segments", how: "Each dot is a segment. To the right of the line its customers have more of a measure than all other customers, to the left less. Measures that distinguish most come first.",
        rows: drivers, wide: true, empty: "These segments have no drivers.", legend: segmentLegend(drivers), draw: (width) => driverDots(drivers, width),
        columns: [{key: "segment_key", label: "Segment", format: segmentName}, {key: "measure", label: "Measure", format: words}, {key: "segment_mean", label: "Mean", format: show.decimal}, {key: "others_mean", label: "Mean of all others", format: show.decimal}, {key: "standardised_difference", label: "Standard deviations apart", format: show.decimal}, {key: "driver", label: "In words"}]
      }))];
    if (!segment) return cards;
    const value = rowsOf("values").filter((d) => d.segment_key === key && d.is_reliable && !d.is_hidden).sort((a, b) => b.horizon_days - a.horizon_days)[0];
    const reliable = rowsOf("values").some((d) => d.is_reliable);
    const ownDrivers = drivers.filter((d) => d.segment_key === key).sort((a, b) => a.driver_rank - b.driver_rank).slice(0, 5);
    const profiles = rowsOf("profiles").filter((d) => d.segment_key === key && !d.is_hidden && given(d.difference)).sort((a, b) => a.profile_rank - b.profile_rank);
    const profileFigure = (value, d) => (!given(value) ? "" : d.kind === "number" ? String(+value.toPrecision(5)) : d.kind === "date" ? show.days(value) : show.share(value));
    const months = rowsOf("months").filter((d) => d.segment_key === key);
    const local = place === ALL ? segment : here;
    const known = local && !local.is_hidden;
    const figures = tiles([
      {label: "Customers", value: known ? show.count(local.customer_count) : show.hidden, note: known && total ? `${show.share(local.customer_count / total.customer_count)} of all${inPlace}` : ""},
      {label: "Revenue", value: known ? show.moneyShort(local.net_amount) : show.hidden, note: known && total ? `${show.share(local.net_amount / total.net_amount)} of all${inPlace}` : ""},
      {label: "Last purchase", value: known ? show.days(local.recency_days_mean) : show.hidden, note: "ago, on average"},
      {label: "Orders per customer", value: known ? show.decimal(local.frequency_mean) : show.hidden, note: "on average"},
      {label: "Revenue per customer", value: known ? show.money(local.net_amount / local.customer_count) : show.hidden, note: "in total, on average"},
      ...(place !== ALL ? [] : value ? [
        {label: `Value within ${value.horizon_days} days`, value: show.moneyShort(value.clv), note: given(value.clv_p10) ? `80 % range: ${show.moneyShort(value.clv_p10)} to ${show.moneyShort(value.clv_p90)}` : "", href: state.address({by, segment: key, horizon: value.horizon_days}, "value.html")},
        {label: "Value at risk", value: show.moneyShort(value.value_at_risk), note: "lost if customers have already left"}
      ] : reliable ? [] : [{label: "Expected value", value: "no figure", note: "No forecast is reliable; see Value.", href: "value.html"}])
    ]);
    const status = element("p", {role: "status", class: "how"});
    const members = async () => {
      const found = await list("members");
      if (!found) { status.textContent = "This copy of the site holds no customers."; return null; }
      const rows = found.members.filter((d) => d[1][by] === key && (place === ALL || d[2] === place)).map(([customer_id, , country]) => ({customer_id, country, segment: segment.segment_name}));
      status.textContent = `${show.count(rows.length)} customers saved.`;
      return rows;
    };
    return [...cards, heading(segment.segment_name + inPlace), figures, grid(
      card({
        title: "Recommended action", how: `The action that the playbook names for such a segment. The list holds its customers${inPlace}; load it into the tool that contacts them.`, rows: [segment], follows: ["place"],
        body: element("div", {}, paragraph(segment.recommended_action), saveMain("Download its customers (CSV)", `${key}${place === ALL ? "" : `-${fileName(place)}`}.csv`, ["customer_id", "country", "segment"], members), status,
          ownDrivers.length ? paragraph("Its customers, compared with all others:") : null, element("ul", {}, ownDrivers.map((d) => element("li", {}, d.driver))),
          rowsOf("scopes").some((d) => d.scope === key) ? element("p", {}, anchor("What its customers buy together", state.address({segment: key}, "baskets.html"))) : null)
      }),
      card({
        title: "Who its customers are", how: `What the source says about the segment's customers, compared with all others in all countries; what marks it most comes first. A difference holds if it is too large for chance, with all comparisons counted. Dates are days until today.`,
        rows: profiles, wide: true, table: "open", empty: "The source says nothing about its customers. Add the table customers to its file in sources/.",
        columns: [{key: "attribute", label: "Attribute", format: words}, {key: "attribute_value", label: "Value", format: (value) => (value === "mean" ? "on average" : value)}, {key: "segment_value", label: "Segment", format: profileFigure}, {key: "others_value", label: "All others", format: profileFigure}, {key: "difference_low", label: "Difference from", format: profileFigure}, {key: "difference_high", label: "to (95 %)", format: profileFigure}, {key: "is_different", label: "Holds", format: (value) => (value ? "yes" : "")}, {key: "unknown_share", label: "Unknown for", format: show.share}]
      }),
      card({
        title: "The rule in SQL", how: "Use it after “where” in a query on marts.fct_customer_features. Precision is the share of the customers found that belong to the segment; recall is the share of the segment that is found.",
        rows: segment.sql_rule ? [segment] : [], empty: "No short rule describes this segment.",
        body: element("div", {}, element("pre", {class: "rule"}, segment.sql_rule ?? ""), paragraph(`Precision ${show.share(segment.rule_precision)}, recall ${show.share(segment.rule_recall)}. Method: ${words(segment.made_by)}, version ${segment.version}.`))
      }),
      card({
        title: "Revenue by month", how: "What today's members of the segment paid in each month, including the months before they joined it. A hollow dot is the month that is not over.", rows: months, wide: true, empty: "No month with enough customers.",
        draw: (width) => byMonth(months, width, {y: "net_amount", label: "Net revenue", format: show.moneyShort, colour: segmentColour(key), tip: (d) => `${show.money(d.net_amount)}\n${show.count(d.customer_count)} customers`}),
        columns: [{key: "month_date", label: "Month", format: show.month}, {key: "customer_count", label: "Customers", format: show.count}, {key: "order_count", label: "Orders", format: show.count}, {key: "net_amount", label: "Revenue", format: show.money}, {key: "average_order_value", label: "Average order", format: show.money}]
      }))];
  }
};
