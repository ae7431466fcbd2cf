pages.week = {
  filters: () => [
    select("action", "Action", [["all", "All actions"], ...rowsOf("texts").map((d) => [d.action_key, d.action_name])], {says: "Covers all actions."}),
    select("place", "Country", places(rowsOf("actions")), {says: "Covers all countries."}),
    select("segment", "Segment", [["all", "All segments"], ...new Map(rowsOf("segments").map((d) => [d.segment_key, segmentName(d.segment_key)]))], {says: "Covers all segments."})
  ],
  draw({action, place, segment}) {
    const texts = new Map(rowsOf("texts").map((d) => [d.action_key, d]));
    const named = (d) => ({...d, ...texts.get(d.action_key)});
    const found = segment === "all" || place !== ALL ? rowsOf("actions").filter((d) => d.place === place) : rowsOf("segments").filter((d) => d.segment_key === segment);
    const rows = found.filter((d) => action === "all" || d.action_key === action).map(named).sort((a, b) => (b.recent_amount ?? -1) - (a.recent_amount ?? -1));
    const follows = segment !== "all" && place !== ALL ? ["place", "action"] : ["place", "segment", "action"];
    const status = element("p", {role: "status", class: "how"});
    const columns = ["customer_id", "country", "segment", "action", "reason", "expected_order_date", "paid_lately", "paid_in_total", "offer_1", "offer_2", "offer_3"];
    const contacts = async () => {
      const all = await list("contacts");
      if (!all) { status.textContent = "This copy of the site holds no customers."; return null; }
      const listed = all.filter((d) => (action === "all" || d[3] === action) && (place === ALL || d[1] === place) && (segment === "all" || d[2] === segment)).map((d) => ({
        customer_id: d[0], country: d[1], segment: segmentName(d[2]), action: texts.get(d[3])?.action_name, reason: d[4], expected_order_date: d[5], paid_lately: d[6], paid_in_total: d[7], offer_1: d[8][0], offer_2: d[8][1], offer_3: d[8][2]}));
      status.textContent = `${show.count(listed.length)} customers saved, the best payers first.`;
      return listed;
    };
    return [paragraph("Each customer has one action, by what they spent, how likely they are to stay away, and when their next order is due."),
      tiles(rows.filter((d) => !d.is_hidden).slice(0, 6).map((d) => ({label: d.action_name, value: show.count(d.customer_count), note: `paid ${show.moneyShort(d.recent_amount)} lately`, href: state.address({action: d.action_key})}))), grid(
      card({
        title: "Whom to contact, and how", how: "Each customer is in one row. “Paid lately” covers the recent period of the settings, a year by default, net of returns.", rows, wide: true, table: "open", follows, empty: "No customer has an action.",
        columns: [{key: "action_name", label: "Action"}, {key: "recommended_action", label: "What to do"}, {key: "customer_count", label: "Customers", format: show.count, bar: true}, {key: "recent_amount", label: "Paid lately", format: show.money, bar: true}, {key: "net_amount", label: "Paid in total", format: show.money}]
      }),
      card({
        title: "The list", how: "One row for each customer: the action and its reason, the day on which the next order is or was due, what they paid, and three products to offer. It follows every filter above.", rows: [1], wide: true, follows: ["place", "segment", "action"],
        body: element("div", {}, saveMain("Download the list (CSV)", `contacts-${action}.csv`, columns, contacts), status)
      }))];
  }
};
