pages.rfm = {
  filters: () => [
    select("measure", "Colour and figure", [["customer_count", "Customers"], ["net_amount", "Revenue"], ["mean_amount", "Revenue per customer"]]),
    select("place", "Country", places(rowsOf("cells")), {says: "Covers all countries: by country, only recency and frequency have enough customers in each cell."})
  ],
  draw({measure, place}) {
    const chart = (pair, x, y, how, where = ALL, follows = ["measure"]) => {
      const rows = rowsOf("cells").filter((d) => d.pair === pair && d.place === where);
      const title = `${y} and ${x.toLowerCase()}${where === ALL ? "" : `, ${where}`}`;
      const hidden = rows.filter((d) => d.is_hidden).length;
      const rest = rowsOf("rests").find((d) => d.pair === pair && d.place === where);
      return card({title, how, rows, follows, empty: "No customers here.", draw: (width) => rfmGrid(rows, Math.min(width, 640), {measure, x, y}),
        note: hidden && rest && !rest.is_hidden ? `The ${hidden} cells with a dot hold ${show.count(rest.customer_count)} customers and ${show.money(rest.net_amount)} together.` : hidden ? "Cells with a dot are not shown." : "",
        columns: [{key: "y_score", label: `${y} score`}, {key: "x_score", label: `${x} score`}, {key: "customer_count", label: "Customers", format: show.count, bar: true}, {key: "net_amount", label: "Revenue", format: show.money, bar: true}, {key: "mean_amount", label: "Per customer", format: show.money}]});
    };
    const before = new Map(rowsOf("groups_before").map((d) => [d.rfm_group, d.customer_count]));
    const groups = rowsOf("groups").map((d) => ({...d, before: before.get(d.rfm_group) ?? null}));
    return [grid(
      chart("rf", "Frequency", "Recency", "Top right are customers who buy often and recently, top left new customers, and bottom right customers at risk.", place, ["measure", "place"]),
      chart("mf", "Frequency", "Monetary", "Above the diagonal are customers with few large orders, below it customers with many small orders."),
      chart("rm", "Monetary", "Recency", "Bottom right are customers who spent much and have not bought for a long time: contact them first."),
      card({
        title: "RFM groups", how: "The eleven usual groups of scores, and how many of today's customers were in each group on the comparison day.", rows: groups, wide: true, table: "open",
        columns: [{key: "rfm_group", label: "Group", swatch: (d) => segmentColour(d.segment_key), href: (d) => state.address({by: "rfm", segment: d.segment_key}, "segments.html")}, {key: "customer_count", label: "Customers", format: show.count, bar: true}, {key: "before", label: "Before", format: show.count}, {key: "net_amount", label: "Revenue", format: show.money, bar: true}, {key: "recency_days", label: "Last purchase, mean", format: (value) => (given(value) ? `${show.count(value)} days ago` : NONE)}, {key: "frequency", label: "Orders, mean", format: show.decimal}]
      })), paragraph(WHY, "how")];
  }
};
