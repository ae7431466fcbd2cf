pages.value = {
  filters: () => [
    select("horizon", "Within", rowsOf("reliability").map((d) => [String(d.horizon_days), `${d.horizon_days} days`]), {initial: bestHorizon()}),
    select("by", "Segments by", segmentations(rowsOf("segments"))),
    (values) => select("segment", "Segment", [["all", "All segments"], ...rowsOf("segments").filter((d) => d.segmentation === values.by && String(d.horizon_days) === values.horizon && !d.is_hidden).map((d) => [d.segment_key, d.segment_name])], {says: "Covers all segments."}),
    select("target", "Past forecasts of", [["amount", "Money"], ["orders", "Orders"], ["return", "Any order"]].filter(([key]) => rowsOf("deciles").some((d) => d.target === key))),
    (values) => select("day", "Made on", [...new Set(rowsOf("deciles").filter((d) => String(d.horizon_days) === values.horizon && d.target === values.target).map((d) => d.cutoff_date.toISOString().slice(0, 10)))].sort().reverse().map((day) => [day, show.date(new Date(day))]))
  ],
  draw({horizon, by, segment, target, day}) {
    const within = (d) => String(d.horizon_days) === horizon;
    const of = (name) => rowsOf(name).filter((d) => d.segmentation === by && within(d));
    const all = of("segments").filter((d) => !d.is_hidden);
    const chosen = (d) => segment === "all" || d.segment_key === segment;
    const segments = all.filter(chosen);
    const names = new Map(all.map((d) => [d.segment_key, d.segment_name]));
    const valued = segments.filter((d) => given(d.q50));
    const risk = of("risk").filter((d) => !d.is_hidden && names.has(d.segment_key) && chosen(d) && given(d.value_at_risk)).map((d) => ({...d, segment_name: names.get(d.segment_key)}));
    // Parts with too few customers are combined, as the rest of their segment.
    const told = (key) => sum(risk.filter((d) => d.segment_key === key), "value_at_risk");
    const left = segments.map((d) => ({segment_key: d.segment_key, segment_name: d.segment_name, churn_risk: "not shown separately", customer_count: null, clv: null, value_at_risk: (d.value_at_risk ?? 0) - told(d.segment_key)})).filter((d) => d.value_at_risk > 0.005);
    const risks = [...risk, ...left];
    const verdict = rowsOf("reliability").find(within);
    const whole = segment === "all" ? rowsOf("totals").find(within) : segments[0];
    const few = (key, format) => (!whole || whole.is_hidden ? show.hidden : format(whole[key]));
    const past = rowsOf("models").filter((d) => d.target === target && within(d) && !d.is_hidden);
    const published = past.filter((d) => d.is_published).map((d) => ({...d, predicted_total: d.predicted_mean * d.customer_count, actual_total: d.actual_mean * d.customer_count, error: d.actual_mean ? d.predicted_mean / d.actual_mean - 1 : null})).sort((a, b) => a.cutoff_date - b.cutoff_date);
    const format = {amount: show.money, orders: show.decimal, return: show.share}[target] ?? show.decimal;
    const inTotal = {amount: show.moneyShort, orders: show.count, return: show.count}[target] ?? show.count;
    const deciles = rowsOf("deciles").filter((d) => d.target === target && within(d) && !d.is_hidden && d.cutoff_date.toISOString().slice(0, 10) === day);
    const histogram = rowsOf("histogram").filter((d) => within(d) && !d.is_hidden);
    const warnings = rowsOf("warnings").filter(within);
    const short = "The history is too short to test a forecast this far ahead.";
    const sure = verdict?.reliability === "reliable" ? "" : ` (${verdict?.reliability})`;
    return [verdict ? tiles([
      {label: "Forecast", value: words(verdict.reliability), note: sure ? verdict.reliability_reason : `model ${words(verdict.model)}; every check passed`},
      {label: `Expected within ${horizon} days${sure}`, value: few("clv", show.moneyShort), note: `from ${few("customer_count", show.count)} customers`},
      {label: `Value at risk${sure}`, value: few("value_at_risk", show.moneyShort), note: "value lost with customers who have already left"},
      ...(sure && segment === "all" ? [{label: `Bought in the ${horizon} days before`, value: few("recent_amount", show.moneyShort), note: "by the same customers: the simplest guess"}] : [])
    ]) : null, grid(
      card({
        title: "Value by segment", how: "The thick bar holds the middle half of a segment's customers, the thin bar the middle 80 %, and the dot is the median customer. The scale is logarithmic.", rows: valued, wide: true, follows: ["segment"],
        empty: "No value is known, because no customer or too few customers have bought twice.", draw: (width) => valueRanges(valued, width),
        columns: [{key: "segment_name", label: "Segment", href: (d) => state.address({by, segment: d.segment_key}, "segments.html")}, {key: "customer_count", label: "Customers", format: show.count}, {key: "clv", label: "Value, all", format: show.money, bar: true}, {key: "clv_mean", label: "Mean", format: show.money}, {key: "q10", label: "10th percentile", format: show.money}, {key: "q50", label: "Median", format: show.money}, {key: "q90", label: "90th percentile", format: show.money}]
      }),
      card({
        title: "Value at risk", how: "Each bar is the value lost with customers who may already have left, divided by how likely they are to stay away. Act where a large part is still undecided.", rows: risks, wide: true, follows: ["segment"], empty: "No value is known.", legend: RISKS, draw: (width) => riskBars(risks, width),
        columns: [{key: "segment_name", label: "Segment"}, {key: "churn_risk", label: "Risk"}, {key: "customer_count", label: "Customers", format: show.count}, {key: "clv", label: "Value", format: show.money}, {key: "value_at_risk", label: "At risk", format: show.money, bar: true}]
      }),
      card({
        title: "Distribution of value", how: "Each bar counts customers by value, on a logarithmic scale. A few customers on the right often hold most of the value.", rows: histogram, wide: true, empty: "No value is known.", draw: (width) => valueHistogram(histogram, width),
        columns: [{key: "step", label: "Value at least", format: (step) => show.money(valueFrom(step))}, {key: "to_step", label: "and below", format: (step) => show.money(valueFrom(step))}, {key: "customer_count", label: "Customers", format: show.count, bar: true}, {key: "clv", label: "Total value", format: show.money, bar: true}]
      })),
    heading("How accurate forecasts were"), paragraph("Forecasts for past days, made from what was known then, compared with what happened."), grid(
      card({
        title: "Past forecasts and what came", how: "For every past day, the total that was forecast for this horizon, and the total that came. Days of one season may err in the same direction.", rows: published, empty: short, legend: OUTCOMES, draw: (width) => pastTotals(published, width, inTotal),
        columns: [{key: "cutoff_date", label: "Made on", format: show.date}, {key: "customer_count", label: "Customers", format: show.count}, {key: "predicted_total", label: "Predicted", format: inTotal}, {key: "actual_total", label: "Actual", format: inTotal}, {key: "error", label: "Too high or low by", format: (value) => show.change(value, show.share)}]
      }),
      card({
        title: "Predicted and actual", how: "Customers are divided into deciles by their forecast. The closer the two bars of a decile, the better the forecast.", rows: deciles, empty: short, legend: OUTCOMES, draw: (width) => calibration(deciles, width, format),
        columns: [{key: "decile", label: "Decile"}, {key: "customer_count", label: "Customers", format: show.count}, {key: "predicted_mean", label: "Predicted", format}, {key: "actual_mean", label: "Actual", format}]
      }),
      card({
        title: "Comparison with other forecasts", how: "Each dot is a past day. Dots further to the right ranked customers more accurately. A useful model beats the naive baselines.", rows: past, wide: true, empty: short, legend: MODELS, draw: (width) => modelComparison(past, width),
        columns: [{key: "model", label: "Model", format: words}, {key: "cutoff_date", label: "Made on", format: show.date}, {key: "normalised_gini", label: "Gini", format: show.decimal}, {key: "mae", label: "Mean absolute error", format: show.decimal}, {key: "bias", label: "Bias", format: show.share}, {key: "coverage_80", label: "In 80 % range", format: show.share}]
      }),
      card({
        title: "Warnings", how: "Checks that forecasts at this horizon did not pass. A note is information; all other severities make the forecasts unreliable.", rows: warnings, wide: true, table: "open", empty: "Every check passed.",
        columns: [{key: "check_name", label: "Check", format: words}, {key: "severity", label: "Severity"}, {key: "meaning", label: "Meaning"}]
      }))];
  }
};
/** The longest horizon whose forecast is reliable; the longest of all where none is. */
function bestHorizon() {
  const rows = rowsOf("reliability"), reliable = rows.filter((d) => d.reliability === "reliable");
  return String((reliable.length ? reliable : rows).at(-1)?.horizon_days ?? "");
}
