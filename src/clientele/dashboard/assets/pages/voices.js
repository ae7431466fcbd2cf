const TOPIC_COLOURS = ["#0077bb", "#ee7733", "#009988", "#cc3311", "#ee3377", "#33bbee", "#aa4499", "#999933", "#882255", "#44aa99", "#ddaa33", "#888888"];
const REPEATED = {"more often": GREEN, "less often": ORANGE, "cannot tell": "#888888"};
/** A line for each topic over time. */
function topicLines(rows, width, {label, format, colours, y}) {
  const known = rows.filter((d) => given(d[y]));
  return drawn({
    width, height: 320, marginLeft: 60, x: {label: null, type: "utc"}, y: {label, grid: true, zero: true, tickFormat: format}, color: colourOf(colours),
    marks: [
      plot.lineY(known, {x: "period_date", y, stroke: "name", strokeWidth: 2}),
      plot.dot(known, {x: "period_date", y, fill: "name", r: 3, tip: true, title: (d) => `${d.name}\n${d.called}\n${format(d[y])}\n${show.count(d.review_count)} reviews`}),
      plot.ruleY([0])
    ]
  });
}
/** Difference of the shares who bought again, with its interval. */
function repeats(rows, width) {
  const names = rows.map((d) => d.name);
  return drawn({
    width, height: 72 + lineHeight(names, width) * names.length, marginLeft: room(names, width), x: {label: "Bought again, against other reviewers", grid: true, tickFormat: show.shareShort, ticks: width < 500 ? 4 : 8}, y: named(names, width),
    marks: [
      plot.ruleX([0]),
      plot.ruleY(rows, {y: "name", x1: "difference_lower", x2: "difference_upper", strokeWidth: 3, stroke: (d) => REPEATED[d.verdict]}),
      plot.dot(rows, {y: "name", x: "difference", r: 5, fill: (d) => REPEATED[d.verdict], tip: true, title: (d) => `${d.name}\n${words(d.verdict)}\n${show.share(d.repeat_share)} against ${show.share(d.other_repeat_share)}`})
    ]
  });
}
pages.voices = {
  filters: () => [
    select("segment", "Written by", [["all", "All customers"], ...[...new Set(rowsOf("topics").map((d) => d.segment_key))].filter((key) => key !== "all").map((key) => [key, key === "none" ? "Others and unknown customers" : segmentName(key)])], {says: "Covers all customers."}),
    select("topic", "Topic", [["all", "All topics"], ...rowsOf("names").map((d) => [d.topic_key, d.topic_name])], {says: "Covers all topics."})
  ],
  draw({segment, topic}) {
    if (!rowsOf("topics").length) return [paragraph("There are no reviews. Add the table “reviews” to the source's YAML: a text is enough; rating, time, product and customer say more.")];
    const names = new Map([...rowsOf("names").map((d) => [d.topic_key, d.topic_name]), ["none", "On no topic"]]);
    const said = new Map(rowsOf("names").map((d) => [d.topic_key, d.words]));
    const chosen = (d) => d.topic_key !== "all" && (topic === "all" || d.topic_key === topic);
    const whole = rowsOf("writers").find((d) => d.segment_key === segment && !d.is_hidden);
    const topics = rowsOf("topics").filter((d) => d.segment_key === segment && chosen(d) && !d.is_hidden && whole).map((d) => ({...d, name: names.get(d.topic_key), words: said.get(d.topic_key) ?? "", share: d.review_count / whole.review_count})).sort((a, b) => b.review_count - a.review_count);
    const order = [...names.keys()];
    const colours = order.map((key, i) => [names.get(key), TOPIC_COLOURS[i % TOPIC_COLOURS.length]]);
    const unit = rowsOf("periods")[0]?.unit === "quarter" ? "quarter" : "month";
    const called = (date) => (unit === "month" ? show.month(date) : `Q${1 + Math.floor(date.getUTCMonth() / 3)} ${date.getUTCFullYear()}`);
    const totals = new Map(rowsOf("periods").filter((d) => d.topic_key === "all" && !d.is_hidden).map((d) => [+d.period_date, d.review_count]));
    const periods = rowsOf("periods").filter((d) => chosen(d) && !d.is_hidden && totals.get(+d.period_date)).map((d) => ({...d, name: names.get(d.topic_key), called: called(d.period_date), share: d.review_count / totals.get(+d.period_date)}));
    const legend = colours.filter(([name]) => periods.some((d) => d.name === name));
    const examples = rowsOf("examples").filter((d) => chosen(d) && !d.is_hidden && d.text).map((d) => ({...d, name: names.get(d.topic_key)}));
    const effects = rowsOf("effects").filter((d) => chosen(d) && !d.is_hidden && given(d.difference_lower)).map((d) => ({...d, name: names.get(d.topic_key)}));
    const judged = [...new Set(effects.map((d) => d.verdict))].map((name) => [words(name), REPEATED[name]]);
    const models = {ratings: "Learned from ratings", lexicon: "The shipped words", share: "The same for all"};
    const tests = rowsOf("backtests").map((d) => ({...d, name: models[d.model]}));
    const timeColumns = [{key: "period_date", label: words(unit), format: called}, {key: "name", label: "Topic"}, {key: "review_count", label: "Reviews", format: show.count}, {key: "share", label: "Share", format: show.share}, {key: "sentiment", label: "Good", format: show.share}];
    return [grid(
      card({
        title: "Topics", how: "What customers write about. A topic is named after its strongest words when it was found. “Good” is the mean probability that a review is good, by its words.", rows: topics, wide: true, table: "open", follows: ["segment", "topic"], empty: "No topic has enough customers.",
        draw: (width) => bars(topics, width, {name: "name", value: "share", label: "Share of the reviews", format: show.shareShort}),
        columns: [{key: "name", label: "Topic", href: (d) => (d.topic_key === "none" ? null : state.address({topic: d.topic_key}))}, {key: "words", label: "Words"}, {key: "customer_count", label: "Customers", format: show.count}, {key: "review_count", label: "Reviews", format: show.count}, {key: "sentiment", label: "Good", format: show.share, bar: true}, {key: "rating", label: "Rating", format: show.decimal}]
      }),
      card({
        title: "Topics over time", how: `Each topic's share of the reviews of a ${unit}.`, rows: periods, wide: true, legend, follows: ["topic"], empty: "No time has enough reviews, or the source has no times.",
        draw: (width) => topicLines(periods, width, {label: "Share of the reviews", format: show.shareShort, colours, y: "share"}), columns: timeColumns
      }),
      card({
        title: "Sentiment over time", how: `The mean probability that a review is good, by topic and ${unit}.`, rows: periods, wide: true, legend, follows: ["topic"], empty: "No time has enough reviews, or the source has no times.",
        draw: (width) => topicLines(periods, width, {label: "Good", format: show.shareShort, colours, y: "sentiment"}), columns: timeColumns
      }),
      card({
        title: "Does it matter?", how: `How many bought again within ${effects[0]?.repeat_days ?? 90} days of a review on a topic, less how many did after other reviews, with an interval that covers all topics in 95 % of cases. An observation, not an experiment: who writes may differ from others before.`, rows: effects, wide: true, legend: judged, follows: ["topic"], empty: "Too few customers bought, or did not, for a figure.",
        draw: (width) => repeats(effects, width), columns: [{key: "name", label: "Topic"}, {key: "verdict", label: "Bought again", format: words}, {key: "customer_count", label: "Customers", format: show.count}, {key: "repeat_share", label: "Of them", format: show.share}, {key: "other_repeat_share", label: "Of others", format: show.share}, {key: "difference", label: "Difference", format: (value) => show.change(value, show.share)}]
      }),
      card({
        title: "What to read", how: "The reviews that are most about a topic. Names, addresses, numbers and rare words are left out.", rows: examples, wide: true, table: "open", tall: true, follows: ["topic"], empty: "No topic has enough customers.",
        columns: [{key: "name", label: "Topic"}, {key: "text", label: "Review"}]
      }),
      card({
        title: "How far to trust “Good”", how: "Each model predicted whether later reviews were rated good. AUC is the share of pairs of a good and a bad review in the right order; 50 % is chance. Brier is the mean squared error.", rows: tests, wide: true, table: "open", follows: ["segment", "topic"], empty: "There are too few ratings to learn from: a list of English words gives sentiment, and nothing says how good it is here.",
        columns: [{key: "name", label: "Model"}, {key: "is_used", label: "Used", format: show.yes}, {key: "review_count", label: "Reviews", format: show.count}, {key: "auc", label: "AUC", format: show.share}, {key: "brier", label: "Brier", format: show.decimal}, {key: "calibration_gap", label: "Calibration gap", format: show.share}]
      })), paragraph(WHY, "how")];
  }
};
