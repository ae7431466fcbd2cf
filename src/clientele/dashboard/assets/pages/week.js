const STATES = [
  ["overdue", "Overdue", "Longer without a purchase than usual, but not lost"],
  ["due", "Due within a week", "The next purchase is expected in the coming week"],
  ["at risk", "At risk", "Far longer without a purchase than usual, and worth winning back"],
  ["new", "New", "Bought for the first time recently"],
  ["second order", "Worth a second order", "Bought once, longer ago, and not little"],
  ["none", "No contact", "No reason to contact them this week"]
];
const stateName = (key) => STATES.find(([name]) => name === key)?.[1] ?? key;
pages.week = {
  filters: () => [
    select("state", "Contact", [["all", "Everyone with a reason"], ...STATES.slice(0, -1).map(([key, label]) => [key, label])], {says: "Covers all reasons."}),
    select("place", "Country", places(rowsOf("states").map((d) => d)), {says: "Covers all countries."}),
    select("segment", "Segment", [["all", "All segments"], ...new Map(rowsOf("segments").map((d) => [d.segment_key, segmentName(d.segment_key)]))], {says: "Covers all segments."})
  ],
  draw({state: wanted, place, segment}) {
    const order = STATES.map(([key]) => key);
    const all = (segment === "all" || place !== ALL ? rowsOf("states").filter((d) => d.place === place) : rowsOf("segments").filter((d) => d.segment_key === segment))
      .map((d) => ({...d, name: stateName(d.state), reason: STATES.find(([key]) => key === d.state)?.[2]})).sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state));
    const rows = all.filter((d) => wanted === "all" || d.state === wanted);
    const contacts = rows.filter((d) => d.state !== "none");
    const both = segment !== "all" && place !== ALL;
    const follows = both ? ["place", "state"] : ["place", "segment", "state"];
    const status = element("p", {role: "status", class: "how"});
    const columns = ["customer_id", "country", "segment", "contact", "action", "reason", "expected_date", "paid_recently", "paid_in_total", "offer_1", "offer_2", "offer_3"];
    const contactList = async () => {
      const found = await list("contacts");
      if (!found) { status.textContent = "This copy of the site holds no customers."; return null; }
      const listed = found.filter((d) => (wanted === "all" || d[3] === wanted) && (place === ALL || d[1] === place) && (segment === "all" || d[2] === segment)).map((d) => ({
        customer_id: d[0], country: d[1], segment: segmentName(d[2]), contact: stateName(d[3]), action: d[4], reason: d[5], expected_date: d[6], paid_recently: d[7], paid_in_total: d[8], offer_1: d[9][0], offer_2: d[9][1], offer_3: d[9][2]}));
      status.textContent = `${show.count(listed.length)} customers saved, the best payers first.`;
      return listed;
    };
    return [paragraph("Every customer has at most one reason to be contacted. It follows from their usual time between purchases, their risk and what they spent."),
      contacts.length ? tiles(contacts.map((d) => ({label: d.name, value: d.is_hidden ? show.hidden : show.count(d.customer_count), note: d.is_hidden ? "" : `paid ${show.moneyShort(d.recent_amount)} recently`}))) : null, grid(
      card({
        title: "Whom to contact", how: "Each customer is in one row. “Paid recently” covers the recent period of the settings, a year by default, net of returns.", rows, wide: true, table: "open", follows, empty: "No one has a reason.",
        columns: [{key: "name", label: "Contact"}, {key: "reason", label: "Why"}, {key: "customer_count", label: "Customers", format: show.count, bar: true}, {key: "recent_amount", label: "Paid recently", format: show.money, bar: true}, {key: "net_amount", label: "Paid in total", format: show.money}]
      }),
      card({
        title: "The list", how: "One row for each customer: the action, its reason, the day on which the next purchase was expected, what they paid, and three products to offer. It follows every filter above.", rows: [1], wide: true, follows: ["place", "segment", "state"],
        body: element("div", {}, saveMain("Download the list (CSV)", `contacts-${wanted}.csv`, columns, contactList), status)
      }))];
  }
};
