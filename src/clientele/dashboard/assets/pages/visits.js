const FUNNEL = [["Looked at something", BLUE], ["Cart", ORANGE], ["Checkout", GREEN], ["Ordered", "#cc79a7"]];
const REACHED = ["view", "cart", "checkout", "order"];
/** Shares of all sessions of a group that reached each stage, a row for each group. */
function funnelDots(rows, width) {
  const names = [...new Set(rows.map((d) => d.name))];
  return drawn({
    width, height: 72 + lineHeight(names, width) * names.length, marginLeft: room(names, width), x: {label: "Share of all sessions", tickFormat: "%", grid: true, domain: [0, 1], ticks: width < 500 ? 3 : 5}, y: named(names, width), color: colourOf(FUNNEL),
    marks: [
      plot.ruleY(names, {y: (d) => d, strokeOpacity: 0.25}),
      plot.dot(rows, {x: "share", y: "name", fill: "stage", r: 6, tip: true, title: (d) => `${d.name}\n${d.stage}\n${show.share(d.share)} of ${show.count(d.session_count)} sessions`})
    ]
  });
}
const LINES = [["Sessions with an order", "#cc79a7"], ["Sessions with a cart left", ORANGE]];
/** Both shares of all sessions, week by week. */
function weekLines(rows, width) {
  return drawn({
    width, height: 280, marginLeft: 50, x: {label: null, type: "utc"}, y: {label: "Share of all sessions", tickFormat: "%", grid: true, zero: true}, color: colourOf(LINES),
    marks: [
      plot.lineY(rows, {x: "start_date", y: "share", stroke: "line", strokeWidth: 2}),
      plot.dot(rows, {x: "start_date", y: "share", fill: "line", r: 3.5, tip: true, title: (d) => `Week of ${show.date(d.start_date)}\n${d.line}\n${show.share(d.share)} of ${show.count(d.session_count)} sessions`}),
      plot.ruleY([0])
    ]
  });
}
const per = (part, whole) => (given(part) && whole ? part / whole : null);
/** A row of funnels with its shares; carts left are the sessions with a cart and without an order. */
const withShares = (d) => {
  const left = given(d.cart_sessions) && given(d.order_sessions) ? d.cart_sessions - d.order_sessions : null;
  return {...d, left_sessions: left, left_share: per(left, d.session_count), left_of_carts: per(left, d.cart_sessions), order_share: per(d.order_sessions, d.session_count)};
};
pages.visits = {
  filters: () => rowsOf("funnels").length ? [select("breakdown", "By", [["segment", "Segment"], ["channel", "Channel"]], {says: "Covers all visits."})] : [],
  draw({breakdown}) {
    const all = rowsOf("funnels").map(withShares).map((d) => ({...d, name: words(d.group_name)}));
    if (!all.length) return [paragraph("There are no visits yet. Add the table “events” to the source's YAML: who looked at what and when, with a customer or a device.")];
    const total = all.find((d) => d.breakdown === "all"), rows = all.filter((d) => d.breakdown === breakdown && !d.is_hidden);
    const points = rows.flatMap((d) => REACHED.map((stage, i) => ({...d, stage: FUNNEL[i][0], share: per(d[`${stage}_sessions`], d.session_count)}))).filter((d) => given(d.share));
    const weeks = rowsOf("weeks").map(withShares).filter((d) => !d.is_hidden);
    const lines = weeks.flatMap((d) => [{...d, line: LINES[0][0], share: d.order_share}, {...d, line: LINES[1][0], share: d.left_share}]).filter((d) => given(d.share));
    const {purchase_count: orders, event_count: raw} = rowsOf("totals")[0];
    const touches = rowsOf("touches").filter((d) => !d.is_hidden).map((d) => ({...d, name: words(d.channel), share: per(d.last_count, orders)}));
    const looks = rowsOf("looks").filter((d) => !d.is_hidden);
    const events = rowsOf("events").filter((d) => !d.is_hidden);
    const since = total.start_date ? `since ${show.date(total.start_date)}` : "";
    const follows = ["breakdown"];
    const group = breakdown === "segment" ? "Segment" : "Channel";
    const count = (key, label) => ({key, label, format: show.count});
    return [
      tiles([
        {label: "Sessions", value: show.count(total.session_count), note: since},
        {label: "Known customers who visited", value: show.count(total.customer_count), note: since},
        {label: "Sessions with an order", value: show.share(total.order_share), note: "of all sessions"},
        {label: "Sessions with a cart left", value: show.share(total.left_share), note: `of all sessions; ${show.share(total.left_of_carts)} of those with a cart`}
      ]),
      grid(
        card({
          title: "How far visits lead", how: `Shares of all sessions of each ${group.toLowerCase()} that looked at something, filled a cart, began the checkout and ordered. Segments are those of today.`, rows: points, wide: true, legend: FUNNEL, follows, empty: "No group has enough customers for a figure.",
          draw: (width) => funnelDots(points, width), columns: [{key: "name", label: group}, {key: "stage", label: "Stage"}, count("session_count", "Sessions"), {key: "share", label: "Share that reached it", format: show.share, bar: true}]
        }),
        card({
          title: "Carts left", how: "Sessions in which something was put into the cart and nothing was ordered, as a share of all sessions. The customer may have ordered on a later visit.", rows, follows, table: "open", empty: "No group has enough customers for a figure.",
          columns: [{key: "name", label: group}, count("session_count", "Sessions"), count("cart_sessions", "With a cart"), count("left_sessions", "Cart left"), {key: "left_share", label: "Of all sessions", format: show.share, bar: true}, {key: "left_of_carts", label: "Of carts", format: show.share}]
        }),
        card({
          title: "Week by week", how: "Both shares are of all sessions of the week, those of unknown visitors included. A week that is not over, or began before the events did, is left out.", rows: lines, legend: LINES, empty: "No week has enough customers for a figure.",
          follows, draw: (width) => weekLines(lines, width), columns: [{key: "start_date", label: "Week of", format: show.date}, {key: "line", label: "Share of"}, count("session_count", "Sessions"), {key: "share", label: "Share", format: show.share, bar: true}]
        }),
        card({
          title: "The last visit before an order", how: "How customers came on their last visit before each purchase, as a share of all purchases of known customers. It is no proof that the channel brought the order.", rows: touches, follows, empty: "No channel has enough customers for a figure.",
          draw: (width) => bars(touches, width, {name: "name", value: "share", label: "Share of purchases", format: show.share}), columns: [{key: "name", label: "Channel"}, count("last_count", "Purchases"), {key: "share", label: "Share", format: show.share, bar: true}, count("customer_count", "Customers")]
        }),
        card({
          title: "Looked at and not bought", how: "Products that customers looked at on most of their visits and have not bought since. Each customer counts once, for one product.", rows: looks, follows, empty: "No product was looked at by enough customers.",
          draw: (width) => bars(looks, width, {name: "product", value: "customer_count", label: "Customers", format: show.count, colour: ORANGE}), columns: [{key: "product", label: "Product"}, count("customer_count", "Customers")]
        }),
        card({
          title: "What counts", how: "The outcome of every raw event. Bots and copies are in no figure above.", rows: events.map((d) => ({...d, name: words(d.reason), share: per(d.event_count, raw)})), wide: true, follows, table: "open",
          columns: [{key: "name", label: "Outcome"}, count("event_count", "Events"), {key: "share", label: "Share", format: show.share, bar: true}, {key: "meaning", label: "Meaning"}]
        })), paragraph(WHY, "how")];
  }
};
