const VERDICT_COLOURS = {worked: GREEN, "did not": ORANGE, "cannot tell": "#888888", "not a fair test": "#aa4499"};
const campaignName = (d) => `${words(d.campaign_id)}${d.arm === "treated" ? "" : `, ${words(d.arm).toLowerCase()}`}`;
// A word joiner keeps a sign and its currency on one line.
const between = (lower, upper, format) => (given(lower) && given(upper) ? `${show.change(lower, format)} to ${show.change(upper, format)}`.replace(/[+−]/g, "$&\u2060") : NONE);
/** Uplift per customer with its interval, a row for each name. */
function uplifts(rows, width, {format, label}) {
  const names = rows.map((d) => d.name), known = rows.filter((d) => given(d.uplift_lower) && given(d.uplift_upper));
  return drawn({
    width, height: 72 + lineHeight(names, width) * names.length, marginLeft: room(names, width), x: {label, grid: true, tickFormat: format, ticks: width < 500 ? 2 : 8}, y: named(names, width),
    marks: [
      plot.ruleX([0]),
      plot.ruleY(known, {y: "name", x1: "uplift_lower", x2: "uplift_upper", strokeWidth: 3, stroke: (d) => VERDICT_COLOURS[d.verdict]}),
      plot.dot(known, {y: "name", x: "uplift", r: 5, fill: (d) => VERDICT_COLOURS[d.verdict], tip: true, title: (d) => `${d.name}\n${words(d.verdict)}\n${show.change(d.uplift, format)} per customer\n${between(d.uplift_lower, d.uplift_upper, format)}`})
    ]
  });
}
/** The sum of what fair tests brought, campaign after campaign. */
function together(rows, width, {format}) {
  return drawn({
    width, height: 280, marginLeft: 70, x: {label: null, type: "utc"}, y: {label: "Brought in all", grid: true, zero: true, tickFormat: format},
    marks: [
      plot.ruleX(rows, {x: "assigned_date", y1: "lower", y2: "upper", stroke: BLUE, strokeOpacity: 0.4, strokeWidth: 6}),
      plot.lineY(rows, {x: "assigned_date", y: "total", stroke: BLUE, strokeWidth: 2}),
      plot.dot(rows, {x: "assigned_date", y: "total", fill: BLUE, r: 4, tip: true, title: (d) => `${show.date(d.assigned_date)}, ${d.name}\n${show.change(d.total, format)} in all so far\n${between(d.lower, d.upper, format)}`}),
      plot.ruleY([0])
    ]
  });
}
/** Sums over the days of assignment. Arms of one campaign share a control, so their intervals add. */
function addedUp(rows) {
  const byCampaign = new Map();
  for (const d of rows) {
    const one = byCampaign.get(d.campaign_id) ?? {assigned_date: d.assigned_date, name: words(d.campaign_id), total: 0, half: 0};
    one.total += d.uplift_total;
    one.half += (d.uplift_total_upper - d.uplift_total_lower) / 2;
    byCampaign.set(d.campaign_id, one);
  }
  let total = 0, square = 0;
  return [...byCampaign.values()].sort((a, b) => a.assigned_date - b.assigned_date).map((one) => {
    total += one.total;
    square += one.half ** 2;
    return {...one, total, lower: total - Math.sqrt(square), upper: total + Math.sqrt(square)};
  });
}
const RANKINGS = [["Expected profit", BLUE], ["Churn risk", ORANGE], ["Value", "#888888"]];
/** Adds up, for each ranking, what its first tenths bring. */
function firstTenths(rows) {
  const before = new Map();
  return rows.filter((d) => !d.is_hidden).map((d) => {
    const key = `${d.campaign_id}\n${d.arm}\n${d.ranking}`, {customers, profit} = before.get(key) ?? {customers: 0, profit: 0};
    const sums = {customers: customers + d.customer_count, profit: profit + d.profit};
    before.set(key, sums);
    return {...d, ...sums, name: campaignName(d), list: words(d.ranking), share: d.tenth / 10};
  });
}
/** Profit by the share of customers contacted, a line for each ranking and a panel for each arm. */
function profits(rows, width) {
  return drawn({
    width, height: 110 + 190 * new Set(rows.map((d) => d.name)).size, marginLeft: 70, marginRight: 130, x: {label: "Share of customers contacted", tickFormat: "%", grid: true}, y: {label: "Expected profit", grid: true, zero: true, tickFormat: show.moneyShort}, fy: {label: null}, color: colourOf(RANKINGS),
    marks: [
      plot.lineY(rows, {x: "share", y: "profit", fy: "name", stroke: "list", strokeWidth: 2}),
      plot.dot(rows, {x: "share", y: "profit", fy: "name", fill: "list", r: 3, tip: true, title: (d) => `${d.name}\nFirst ${show.share(d.share)} by ${d.list.toLowerCase()}: ${show.count(d.customers)} customers\n${show.money(d.profit)} expected`}),
      plot.ruleY([0])
    ]
  });
}
pages.campaigns = {
  filters: () => rowsOf("results").length ? [
    select("campaign", "Campaign", [["all", "All campaigns"], ...new Map(rowsOf("tests").map((d) => [d.campaign_id, words(d.campaign_id)]))], {says: "Covers all campaigns."}),
    select("metric", "Figure", METRICS.filter(([key]) => rowsOf("results").some((d) => d.metric === key)), {optional: false})
  ] : [],
  draw({campaign, metric}) {
    const testOf = new Map(rowsOf("tests").map((d) => [`${d.campaign_id}\n${d.arm}`, d]));
    const rows = rowsOf("results").filter((d) => d.metric === metric).map((d) => ({...testOf.get(`${d.campaign_id}\n${d.arm}`), ...d, name: campaignName(d)}));
    if (!rows.length) return [paragraph("There are no campaigns yet. Export an audience and send it: its result stands here after the next builds. For campaigns of other tools, add the table “campaigns” to the source's YAML.")];
    const format = inMetric(metric);
    const chosen = (d) => campaign === "all" || d.campaign_id === campaign;
    const whole = rows.filter((d) => d.segment === "all" && chosen(d));
    const parts = rows.filter((d) => d.segment !== "all" && chosen(d)).map((d) => ({...d, name: d.arm === "treated" ? words(d.segment) : `${words(d.arm)}: ${d.segment}`}));
    const shown = (some) => some.filter((d) => !d.is_hidden).map((d) => ({...d, interval: between(d.uplift_lower, d.uplift_upper, format)}));
    const label = `${metricName(metric)} per customer, against who was held out`;
    const total = metric === "revenue" || metric === "margin" ? show.moneyShort : show.count;
    const fair = rows.filter((d) => d.segment === "all" && !d.is_hidden && d.is_randomised && d.is_complete && d.verdict !== "not a fair test" && given(d.uplift_total_lower));
    const sums = addedUp(fair);
    const legendOf = (some) => [...new Set(shown(some).map((d) => d.verdict))].map((name) => [words(name), VERDICT_COLOURS[name]]);
    const follows = ["campaign", "metric"];
    const columns = [{key: "verdict", label: "Verdict", format: words}, {key: "customer_count", label: "Customers", format: show.count}, {key: "control_customer_count", label: "Compared with", format: show.count}, {key: "treated_mean", label: "Each brought", format}, {key: "control_mean", label: "Held out", format}, {key: "uplift", label: "Uplift each", format: (value) => show.change(value, format)}, {key: "interval", label: "95 % interval"}, {key: "uplift_total", label: "In all", format: (value) => show.change(value, total)}];
    const contacts = firstTenths(rowsOf("lists").filter(chosen));
    const rankings = rowsOf("rankings").filter(chosen).map((d) => ({...d, name: campaignName(d), list: words(d.ranking)}));
    const tests = rowsOf("tests").filter(chosen).map((d) => ({...d, name: campaignName(d)}));
    return [
      campaign !== "all" ? tiles(whole.map((d) => ({label: d.name, value: d.is_hidden ? show.hidden : words(d.verdict), note: d.is_hidden ? "" : d.verdict_reason}))) : null,
      paragraph("Everyone who was assigned counts, whether or not a message reached them. Uplift is the difference to the customers who were held out, adjusted by what both bought before."), grid(
        card({
          title: campaign === "all" ? "What campaigns brought" : "What it brought", how: "The uplift per customer with its 95 % interval. Where the interval includes zero, the campaign may have brought nothing.", rows: shown(whole), wide: true, legend: legendOf(whole), follows, table: "open", tall: true, empty: "Too few customers bought for a figure.",
          draw: (width) => uplifts(shown(whole), width, {format, label}), columns: [{key: "name", label: "Campaign", href: (d) => state.address({campaign: d.campaign_id})}, ...columns, ...(metric === "margin" ? [{key: "cost_amount", label: "Cost", format: show.money}, {key: "profit_amount", label: "Profit", format: show.money}] : [])]
        }),
        campaign === "all" ? null : card({
          title: "By segment", how: "For whom it worked. A segment's verdict allows for the number of segments that were looked at.", rows: shown(parts), wide: true, legend: legendOf(parts), follows, table: "open", empty: "No segment has enough customers for a figure.",
          draw: (width) => uplifts(shown(parts), width, {format, label}), columns: [{key: "name", label: "Segment"}, ...columns]
        }),
        campaign === "all" && metric !== "conversion" ? card({
          title: "All together", how: "The sum of what fair, finished tests brought, campaign after campaign, with its 95 % interval.", rows: sums, wide: true, follows: ["metric"], empty: "No campaign can be added up yet.",
          draw: (width) => together(sums, width, {format: total}), columns: [{key: "assigned_date", label: "From", format: show.date}, {key: "name", label: "Campaign"}, {key: "total", label: "In all so far", format: (value) => show.change(value, total)}, {key: "lower", label: "At least", format: total}, {key: "upper", label: "At most", format: total}]
        }) : null,
        contacts.length ? card({
          title: "Whom to contact", how: "What contacts are expected to bring after their cost, if the first customers of a list are contacted. Those who are most likely to leave are not those who can be won.", rows: contacts, wide: true, legend: RANKINGS, follows: ["campaign"],
          draw: (width) => profits(contacts, width), columns: [{key: "name", label: "Campaign"}, {key: "list", label: "Ranked by"}, {key: "share", label: "First", format: show.share}, {key: "customers", label: "Customers", format: show.count}, {key: "profit", label: "Expected profit", format: show.money}]
        }) : null,
        rankings.length ? card({
          title: "Is it known whom to contact?", how: "A ranking of customers is judged on those whom its fit has not seen. Qini is the extra orders per customer that it finds beyond a random order. Only a campaign whose customers are shown to differ has a list.", rows: rankings, wide: true, follows: ["campaign"], table: "open",
          columns: [{key: "name", label: "Campaign"}, {key: "uplift_verdict", label: "Verdict", format: words}, {key: "list", label: "Ranked by"}, {key: "qini", label: "Qini", format: show.decimal}, {key: "qini_error", label: "Standard error", format: show.decimal}, {key: "comparison", label: "Compared with it"}]
        }) : null,
        card({
          title: "Was it a fair test?", how: "Chance must decide who is held out, and customers must not be missing from an arm: a p-value of the split below 0.1 % says that some are missing.", rows: tests, wide: true, follows: ["campaign", "metric"], table: "open",
          columns: [{key: "name", label: "Campaign"}, {key: "control_arm", label: "Compared with", format: words}, {key: "is_randomised", label: "Randomised", format: show.yes}, {key: "assigned_date", label: "From", format: show.date}, {key: "window_days", label: "Counted for", format: show.days}, {key: "is_complete", label: "Over", format: show.yes}, {key: "sample_ratio_p_value", label: "p-value of the split", format: show.share}, {key: "balance_gap", label: "Imbalance before", format: show.decimal}, {key: "placebo_p_value", label: "p-value of the time before", format: show.share}]
        })), paragraph(WHY, "how")];
  }
};
