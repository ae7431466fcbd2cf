pages.products = {
  filters: () => [
    select("segment", "Bought by", [["all", "All customers"], ...new Map(rowsOf("sales").filter((d) => d.segment_key !== "all").map((d) => [d.segment_key, d.segment_key === "none" ? "Guests and customers without a segment" : segmentName(d.segment_key)]))], {says: "Covers all customers."}),
    select("product", "Product", [["", "All products"], ...rowsOf("products").map((d) => [d.product_id, d.product_label]).sort((a, b) => a[1].localeCompare(b[1]))])
  ],
  draw({segment, product}) {
    const labels = new Map(rowsOf("products").map((d) => [d.product_id, d.product_label]));
    const of = (when) => new Map(rowsOf("sales").filter((d) => d.segment_key === segment && d.period === when && !d.is_hidden).map((d) => [d.product_id, d]));
    const [now, then] = [of("now"), of("before")];
    const hasBefore = rowsOf("sales").some((d) => d.period === "before");
    const rows = [...now.keys()].map((id) => {
      const before = then.get(id);
      return {product_id: id, product_label: labels.get(id), customer_count: now.get(id).customer_count, net_amount: now.get(id).net_amount, before: before?.net_amount ?? null, change: before ? now.get(id).net_amount - before.net_amount : null};
    }).sort((a, b) => b.net_amount - a.net_amount);
    const falling = rows.filter((d) => d.change < 0).sort((a, b) => a.change - b.change).slice(0, 20);
    const [reach] = rowsOf("reach");
    const months = product ? rowsOf("months").filter((d) => d.product_id === product) : [];
    const columns = [{key: "product_label", label: "Product", href: (d) => state.address({product: d.product_id})}, {key: "customer_count", label: "Customers", format: show.count, bar: true}, {key: "net_amount", label: "Revenue", format: show.money, bar: true}, {key: "before", label: "A year before", format: show.money}, {key: "change", label: "Change", format: (value) => show.change(value, show.money)}];
    const when = reach ? `${show.month(reach.first_month)} to ${show.month(reach.last_month)}` : "the last three months";
    return [product ? grid(
      card({
        title: labels.get(product) ?? product, how: "Revenue of this product by month, from all orders. A hollow dot is the month that is not over.", rows: months, wide: true, empty: "No month with enough customers.",
        draw: (width) => byMonth(months, width, {y: "net_amount", label: "Net revenue", format: show.moneyShort, colour: BLUE, tip: (d) => `${show.money(d.net_amount)}\n${show.count(d.customer_count)} customers`}),
        columns: [{key: "month_date", label: "Month", format: show.month}, {key: "customer_count", label: "Customers", format: show.count}, {key: "net_amount", label: "Revenue", format: show.money}],
        note: ""
      })) : null, product ? element("p", {}, anchor("Rules with this product", state.address({search: labels.get(product)}, "baskets.html"))) : null, grid(
      card({title: "Best sellers", how: `Products by revenue in ${when}, with the same months a year before.`, rows: rows.slice(0, 40), wide: true, table: "open", follows: ["segment"], empty: "No product has enough customers.", draw: (width) => bars(rows.slice(0, 12), width, {name: "product_label", value: "net_amount", label: "Revenue", format: show.moneyShort}), columns}),
      card({title: "What is falling", how: `The largest losses of revenue in ${when}, compared with the same months a year before.`, rows: falling, wide: true, table: "open", follows: ["segment"], empty: hasBefore ? "No product lost revenue." : "There is no year before to compare with.", columns})), paragraph(WHY, "how")];
  }
};
