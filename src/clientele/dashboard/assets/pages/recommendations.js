const lookUp = {customer: ""};
pages.recommendations = {
  filters: () => [select("segment", "Offered to", [["all", "All customers"], ...new Map(rowsOf("backtests").filter((d) => d.scope !== "all").map((d) => [d.scope, segmentName(d.scope)]))], {says: "Covers all segments."})],
  draw({segment: scope}) {
    const tested = rowsOf("backtests").filter((d) => d.scope === scope && d.is_filled && given(d.hit_rate));
    const chosen = rowsOf("backtests").find((d) => d.is_chosen)?.method;
    const products = rowsOf("products").filter((d) => !d.is_hidden).slice(0, 20);
    const result = element("div", {role: "status"});
    const answer = async () => {
      const offers = await list("offers");
      // Read now: a slower answer to what was typed before may not replace this one.
      const asked = lookUp.customer.trim();
      if (!offers) return result.replaceChildren(paragraph("This copy of the site holds no customers.", "empty"));
      const found = offers.customers.find((row) => row[0].toLowerCase() === asked.toLowerCase());
      if (!asked) return result.replaceChildren(paragraph(offers.customers.length ? `For example ${offers.customers[0][0]}.` : "No customer has recommendations yet.", "empty"));
      if (!found) return result.replaceChildren(paragraph(`No recommendations for “${asked}”. Enter a customer key as it appears in the orders.`, "empty"));
      result.replaceChildren(element("h3", {}, `Offer to ${found[0]}`), element("ol", {class: "offers"}, found[1].map((product, i) => element("li", {}, offers.products[product], element("small", {}, offers.reasons[found[2][i]])))));
    };
    const field = element("input", {id: "customer", type: "search", value: lookUp.customer, oninput: (event) => { lookUp.customer = event.target.value; answer(); }, onfocus: answer});
    if (lookUp.customer) answer();
    return [grid(
      card({
        title: "What to offer a customer", how: "The products to offer, best first, each with the reason. A product that the customer already has is included only if customers usually buy it again.", rows: [1], wide: true, follows: ["segment"],
        body: element("div", {}, element("div", {class: "filter"}, element("label", {for: "customer"}, "Customer"), field), result)
      })), heading("How often offers hit"), grid(
      card({
        title: "Customers who bought one of the offered products", how: `Lists made for the comparison day, evaluated with later purchases. Higher is better; the thin lines are two standard errors.${chosen ? ` Published: ${words(chosen)}.` : ""}`, follows: ["segment"],
        rows: tested, empty: "The history is too short to test recommendations.", legend: methodLegend(tested), draw: (width) => hitRates(tested, width),
        columns: [{key: "method", label: "Method", format: words}, {key: "k", label: "Products"}, {key: "customer_count", label: "Customers", format: show.count}, {key: "hit_rate", label: "Bought one", format: show.share, bar: true}, {key: "hit_rate_gain", label: "Gain over best sellers", format: (value) => show.change(value, show.share)}, {key: "precision_at_k", label: "Precision", format: show.share}, {key: "recall_at_k", label: "Recall", format: show.share}, {key: "catalogue_coverage", label: "Share of catalogue", format: show.share}]
      }),
      card({
        title: "Most offered products", how: "Products by the number of customers who are offered them. If a few are far ahead, most customers get the same offers.", rows: products, empty: "Nothing is recommended to enough customers.",
        draw: (width) => bars(products, width, {name: "product_label", value: "customer_count", label: "Customers offered it", format: show.count}), columns: [{key: "product_label", label: "Product"}, {key: "customer_count", label: "Customers", format: show.count, bar: true}]
      }))];
  }
};
