pages.migration = {
  filters: () => [
    select("by", "Segments by", segmentations(rowsOf("moves"))),
    (values) => select("period", "Period", [...new Map(rowsOf("kinds").filter((d) => d.segmentation === values.by).map((d) => [d.to_as_of_date.toISOString().slice(0, 10), `${show.date(d.from_as_of_date)} to ${show.date(d.to_as_of_date)}`]))].sort().reverse()),
    toggle("newcomers", "Include new customers")
  ],
  draw({by, period, newcomers}) {
    const here = (d) => d.segmentation === by && d.to_as_of_date.toISOString().slice(0, 10) === period;
    const froms = rowsOf("froms").filter((d) => here(d) && !d.is_hidden && (newcomers || d.from_segment_key !== "none"));
    const told = rowsOf("moves").filter((d) => here(d) && !d.is_hidden);
    // Shares are of all who were in a segment. Moves that may not be shown one by one are one move.
    const rows = froms.flatMap((from) => {
      const own = told.filter((d) => d.from_segment_key === from.from_segment_key);
      const rest = (key) => from[key] - sum(own, key);
      const others = rest("customer_count") > 0 ? [{...from, to_segment_key: REST, to_segment_name: "Other moves, not shown one by one", customer_count: rest("customer_count"), net_amount_before: rest("net_amount_before"), net_amount_after: rest("net_amount_after"), is_rest: true}] : [];
      return [...own, ...others].map((d) => ({...d, share: d.customer_count / from.customer_count, change: d.net_amount_after - d.net_amount_before}));
    });
    const hidden = rowsOf("moves").filter((d) => here(d) && d.is_hidden && (newcomers || d.from_segment_key !== "none")).length;
    const kinds = Object.fromEntries(rowsOf("kinds").filter(here).map((d) => [d.kind, d]));
    const none = {customer_count: 0, net_amount_before: 0, net_amount_after: 0};
    const {moved = none, stayed = none, new: arrived = none} = kinds;
    const few = (d) => (d.is_hidden ? show.hidden : show.count(d.customer_count));
    const known = rows.filter((d) => d.from_segment_key !== "none");
    const moves = rows.filter((d) => d.from_segment_key !== d.to_segment_key).sort((a, b) => a.change - b.change);
    const existing = moved.is_hidden || stayed.is_hidden ? 0 : moved.customer_count + stayed.customer_count;
    const segment = (key, name) => ({key: name, label: key === "from_segment_key" ? "From" : "To", swatch: (d) => (d.is_rest && key === "to_segment_key" ? "#888" : segmentColour(d[key]))});
    const ends = [segment("from_segment_key", "from_segment_name"), segment("to_segment_key", "to_segment_name")];
    const money = [{key: "net_amount_before", label: "Paid before", format: show.money}, {key: "net_amount_after", label: "Paid since", format: show.money}];
    const empty = "No moves between segments are known for this period.";
    return [rows.length ? tiles([
      {label: "Stayed in their segment", value: few(stayed), note: existing ? `customers, ${show.share(stayed.customer_count / existing)} of existing customers` : "customers"},
      {label: "Moved", value: few(moved), note: "customers, into another segment"},
      {label: "New", value: few(arrived), note: "customers since the first day"},
      {label: "Movers paid", value: moved.is_hidden ? show.hidden : show.moneyShort(moved.net_amount_after), note: moved.is_hidden ? "" : `${show.change(moved.net_amount_after - moved.net_amount_before, show.moneyShort)} compared with the period before`}
    ]) : null, grid(
      card({
        title: "Where each segment's customers moved", how: "Each row shows how all customers of the segment on the left are now divided. The last column holds moves of too few customers to be shown one by one. Rows add up to 100 %.", rows: known, wide: true, empty, draw: (width) => transitions(known, width),
        columns: [...ends, {key: "customer_count", label: "Customers", format: show.count, bar: true}, {key: "share", label: "Share of the segment", format: show.share}, ...money]
      }),
      card({
        title: "Revenue effect of the moves", how: "Moves sorted by the change of what these customers paid. The first rows lost the most revenue: start win-back there.", rows: moves, wide: true, table: "open", empty: "No customers moved.",
        columns: [...ends, {key: "customer_count", label: "Customers", format: show.count}, ...money, {key: "change", label: "Change", format: (value) => show.change(value, show.money), bar: true}]
      }),
      card({
        title: "From segment to segment", how: "A stream's width is the number of customers who moved from the segment on the left to the segment on the right. Hover over it to see what they paid.", rows, wide: true, empty, draw: (width) => moveStreams(rows, width)
      })), hidden ? paragraph(`${hidden} moves are part of “other moves”. ${WHY}`, "how") : null];
  }
};
