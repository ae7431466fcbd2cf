const METRICS = [["revenue", "Revenue"], ["orders", "Orders"], ["conversion", "Customers who ordered"], ["margin", "Margin"]];
const metricName = (key) => METRICS.find(([name]) => name === key)?.[1] ?? words(key);
const inMetric = (metric) => (metric === "conversion" ? show.share : metric === "orders" ? show.decimal : show.moneyExact);
const BANDS = {0: "Less than a week ago", 7: "1 to 2 weeks ago", 14: "2 weeks to 30 days ago", 30: "30 to 60 days ago", 60: "60 days ago or more"};
pages.audiences = {
  filters: () => [
    select("audience", "Audience", [["all", "All audiences"], ...rowsOf("audiences").map((d) => [d.audience, words(d.audience)])], {says: "Covers all audiences."}),
    select("metric", "Plan for", METRICS.filter(([key]) => rowsOf("plans").some((d) => d.metric === key)))
  ],
  draw({audience, metric}) {
    const chosen = (d) => audience === "all" || d.audience === audience;
    const all = rowsOf("audiences").map((d) => ({...d, name: words(d.audience)}));
    const rows = all.filter(chosen);
    const format = inMetric(metric);
    const plans = rowsOf("plans").filter((d) => d.metric === metric && chosen(d)).map((d) => ({...d, name: words(d.audience)}));
    const days = plans[0]?.window_days;
    const overlaps = rowsOf("overlaps").filter((d) => chosen(d) || d.other_audience === audience).map((d) => ({...d, name: words(d.audience), other: words(d.other_audience)}));
    const resting = rowsOf("resting").map((d) => ({...d, name: BANDS[d.from_days]}));
    const one = rows.length === 1 && rows[0];
    const rules = one ? [
      ["For", one.description.trim()], ["Condition", one.condition], ["First", one.order_by],
      ["At most", given(one.contact_cap) ? `${show.count(one.contact_cap)} contacts` : "no limit"], ["Held out", show.share(one.planned_holdout_share)],
      ["Rest", `${show.days(one.rest_days)} since the last campaign`], one.after_audiences ? ["After", one.after_audiences.split(", ").map(words).join(", ")] : null
    ].filter(Boolean) : [];
    return [paragraph("An audience is a file in the project's folder “audiences”. Customers who are held out get no message, so that the result can be measured against them."), grid(
      card({
        title: "Sizes", how: "Today's customers of each audience. Value is what they are expected to bring in all, contacted or not.", rows, wide: true, table: "open", tall: true, follows: ["audience", "metric"], empty: "The project has no audiences.",
        columns: [{key: "name", label: "Audience", href: (d) => state.address({audience: d.audience})}, {key: "customer_count", label: "Customers", format: show.count, bar: true}, {key: "treated_count", label: "To contact", format: show.count}, {key: "control_count", label: "Held out", format: show.count}, {key: "campaign_cost_amount", label: "Cost", format: show.money}, {key: "value", label: "Value", format: show.money, bar: true}, {key: "description", label: "For"}],
        note: one ? `“clientele audience export ${one.audience} --to ${one.audience}.csv” writes the list for your mail tool, and keeps who was held out.` : "Choose an audience for its rules. “clientele audience export NAME --to FILE” writes the list for your mail tool, and keeps who was held out."
      }),
      one ? card({title: "Its rules", how: "As its file says.", rows: rules, wide: true, follows: ["audience", "metric"], body: element("dl", {class: "glossary"}, rules.flatMap(([term, text]) => [element("dt", {}, term), element("dd", {}, text)]))}) : null,
      card({
        title: "What it could show", how: `Before anything is sent: what such customers bring within ${days ?? "some"} days without a message, per customer, and the smallest effect that would be found (4 times in 5). A smaller effect can be real and stay unseen. The holdout costs what its customers would have brought with such an effect.`, rows: plans, wide: true, table: "open", follows: ["audience", "metric"], empty: "There is no one in it to plan for.",
        columns: [{key: "name", label: "Audience"}, {key: "baseline_mean", label: "Without a message", format}, {key: "detectable_effect", label: "Smallest effect", format: (value) => show.change(value, format)}, {key: "detectable_share", label: "Of what they bring", format: show.shareShort}, {key: "holdout_forgone", label: "Holdout costs", format: metric === "revenue" ? show.money : show.decimal}, {key: "needed_customer_count", label: "Customers to see 10 %", format: show.count}, {key: "needed_holdout_share", label: "Or hold out", format: show.shareShort}]
      }),
      card({
        title: "In two audiences", how: "Customers who would be contacted by both. “after” in an audience's file gives one of them precedence.", rows: overlaps, table: "open", follows: ["audience", "metric"], empty: "No customer is in two audiences.",
        columns: [{key: "name", label: "Audience"}, {key: "other", label: "And"}, {key: "customer_count", label: "Customers", format: show.count, bar: true}]
      }),
      card({
        title: "Rest", how: "When customers were last in a campaign, contacted or held out. An audience takes no one whose last campaign is less than its days of rest ago.", rows: resting, table: "open", follows: [], empty: "There are no campaigns yet. Exports of audiences count, and those that “campaigns” in the source's YAML names.",
        columns: [{key: "name", label: "Last campaign"}, {key: "customer_count", label: "Customers", format: show.count, bar: true}]
      })), paragraph(WHY, "how")];
  }
};
