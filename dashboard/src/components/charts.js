// Charts as functions: rows and a width in, an element out. They do not depend on pages.
import * as Plot from "@observablehq/plot";
import * as echarts from "echarts/dist/echarts.esm.min.js";
import {blue, colours, green, on, orange, sequential} from "./palette.js";
import {words} from "./format.js";

const clip = (text, length) => (text.length > length ? `${text.slice(0, length - 1)}…` : text);
// Segment names differ at their ends, so a long name is wrapped, not cut.
const labels = (width) => (width < 500 ? 17 : 30);
function wrap(text, length) {
  const lines = [""];
  for (const word of text.split(" ")) {
    const longer = `${lines.at(-1)} ${word}`.trim();
    if (longer.length <= length || !lines.at(-1)) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines.join("\n");
}
const margin = (names, width) => 20 + 7.4 * Math.max(4, ...names.flatMap((name) => wrap(name, labels(width)).split("\n").map((line) => line.length)));
const lineHeight = (names, width, least = 30) => Math.max(least, 10 + 13 * Math.max(1, ...names.map((name) => wrap(name, labels(width)).split("\n").length)));

/** A plot with readable font sizes and enough room for labels. */
const plot = (options) => Plot.plot({marginBottom: 42, ...options, style: {fontSize: "12px"}});

// ECharts' tips are HTML; names come from the data.
const safe = echarts.format.encodeHTML;

/** ECharts in the page's own colours, as SVG. */
function chart(option, width, height) {
  const node = document.createElement("div");
  const {color, fontFamily} = getComputedStyle(document.body);
  const drawn = echarts.init(node, null, {renderer: "svg", width, height});
  drawn.setOption({animation: false, textStyle: {color, fontFamily}, tooltip: {confine: true, transitionDuration: 0}, ...option});
  return node;
}

/** Revenue by month; an incomplete month is paler. */
export function revenueByMonth(rows, {width, format, lastMonth}) {
  return plot({
    width, height: 280, marginLeft: 60, x: {label: null, type: "utc"}, y: {label: "Net revenue", grid: true, tickFormat: format.moneyShort, zero: true},
    marks: [
      Plot.rectY(rows, {x: "month_date", y: "net_amount", interval: "month", fill: blue, fillOpacity: (d) => (+d.month_date === +lastMonth ? 0.45 : 1),
        tip: true, title: (d) => `${format.month(d.month_date)}\n${format.money(d.net_amount)}\n${format.count(d.order_count)} orders`}),
      Plot.ruleY([0])
    ]
  });
}

/** Buyers by month. */
export function customersByMonth(rows, {width, format}) {
  return plot({
    width, height: 280, marginLeft: 50, x: {label: null, type: "utc"}, y: {label: "Customers", grid: true, zero: true},
    marks: [
      Plot.lineY(rows, {x: "month_date", y: "customer_count", stroke: green, strokeWidth: 2}),
      Plot.dot(rows, {x: "month_date", y: "customer_count", fill: green, r: 3, tip: true, title: (d) => `${format.month(d.month_date)}\n${format.count(d.customer_count)} customers`}),
      Plot.ruleY([0])
    ]
  });
}

/** Each segment's share of customers and of revenue, joined by a line. */
export function shares(rows, {width, format}) {
  const names = rows.map((d) => d.segment_name);
  return plot({
    width, height: 72 + lineHeight(names, width) * rows.length, marginLeft: margin(names, width), x: {label: "Share", tickFormat: "%", grid: true, zero: true},
    y: {label: null, domain: names, tickFormat: (name) => wrap(name, labels(width))}, color: {domain: ["Share of customers", "Share of revenue"], range: [orange, blue], legend: true},
    marks: [
      Plot.ruleY(rows, {y: "segment_name", x1: "customer_share", x2: "revenue_share", strokeWidth: 2, stroke: "currentColor", strokeOpacity: 0.35}),
      Plot.dot(rows, {y: "segment_name", x: "customer_share", fill: () => "Share of customers", r: 5}),
      Plot.dot(rows, {y: "segment_name", x: "revenue_share", fill: () => "Share of revenue", r: 6, tip: true,
        title: (d) => `${d.segment_name}\n${format.share(d.customer_share)} of customers\n${format.share(d.revenue_share)} of revenue`})
    ]
  });
}

/** Revenue as area, one tile per segment. */
export function treemap(rows, {width, format}) {
  const colour = colours(rows.map((d) => d.segment_key));
  return chart({series: [{
    type: "treemap", roam: false, nodeClick: false, breadcrumb: {show: false}, width: "100%", height: "100%", left: 0, top: 0,
    label: {fontSize: 12, lineHeight: 16, overflow: "truncate", color: "#fff", textBorderColor: "rgba(0,0,0,.55)", textBorderWidth: 2,
      formatter: ({data}) => (data.share < 0.06 ? "" : `${wrap(data.name, 22)}\n${format.share(data.share)} of revenue`)},
    itemStyle: {gapWidth: 2, borderColor: "transparent"},
    tooltip: {formatter: ({data}) => `${safe(data.name)}<br>${format.money(data.value)}, ${format.share(data.share)} of revenue<br>${format.count(data.customers)} customers`},
    data: rows.filter((d) => d.net_amount > 0).map((d) => ({name: d.segment_name, value: d.net_amount, share: d.revenue_share, customers: d.customer_count, itemStyle: {color: colour.get(d.segment_key)}}))
  }]}, width, 320);
}

/** A grid of scores; darker cells hold less. */
export function rfmGrid(rows, {width, format, measure, x, y}) {
  const show = measure === "customer_count" ? format.count : format.moneyShort;
  const top = Math.max(1, ...rows.map((d) => d[measure] ?? 0));
  const scores = [1, 2, 3, 4, 5];
  return plot({
    width, height: Math.min(width, 400), marginLeft: 40, padding: 0.05, x: {label: `${x} score →`, domain: scores, type: "band"},
    y: {label: `↑ ${y} score`, domain: [5, 4, 3, 2, 1], type: "band"}, color: {scheme: sequential, domain: [0, top], unknown: "#88888844"},
    marks: [
      Plot.cell(rows, {x: "x_score", y: "y_score", fill: (d) => d[measure], rx: 4, tip: true,
        title: (d) => `${x} ${d.x_score}, ${y} ${d.y_score}\n${d.is_hidden ? format.hidden : `${format.count(d.customer_count)} customers\n${format.money(d.net_amount)} in total\n${format.money(d.mean_amount)} per customer`}`}),
      Plot.text(rows, {x: "x_score", y: "y_score", text: (d) => (d.is_hidden ? "·" : show(d[measure])), fill: (d) => (d.is_hidden ? "currentColor" : on((d[measure] ?? 0) / top)), fontSize: 13, fontWeight: 600, pointerEvents: "none"})
    ]
  });
}

/** The snake plot: the distance of each segment from all others, by measure, in standard deviations. */
export function snake(rows, {width, names, keys, format}) {
  const colour = colours(keys);
  const measures = [...new Set(rows.map((d) => d.measure))];
  return plot({
    width, height: width < 500 ? 460 : 420, marginBottom: width < 500 ? 140 : 120, marginRight: 24, marginLeft: width < 500 ? 40 : 90, x: {label: null, domain: measures, type: "point", tickRotate: width < 500 ? -90 : -40, tickFormat: words},
    y: {label: "Standard deviations from all others", grid: true},
    color: {domain: keys.map((key) => names.get(key)), range: keys.map((key) => colour.get(key)), legend: true},
    marks: [
      Plot.ruleY([0], {strokeOpacity: 0.6}),
      Plot.line(rows, {x: "measure", y: "standardised_difference", z: "segment_key", stroke: (d) => names.get(d.segment_key), strokeWidth: 2.2, curve: "monotone-x"}),
      Plot.dot(rows, {x: "measure", y: "standardised_difference", fill: (d) => names.get(d.segment_key), r: 3.5, tip: true,
        title: (d) => `${names.get(d.segment_key)}\n${words(d.measure)}: ${format.decimal(d.segment_mean)}\nothers: ${format.decimal(d.others_mean)}\n${d.driver}`})
    ]
  });
}

/** A segment's revenue by month beside its customers. */
export function segmentMonths(rows, {width, format}) {
  return plot({
    width, height: 240, marginLeft: 60, x: {label: null, type: "utc"}, y: {label: "Net revenue", grid: true, zero: true, tickFormat: format.moneyShort},
    marks: [Plot.areaY(rows, {x: "month_date", y: "net_amount", fill: blue, fillOpacity: 0.25}),
      Plot.lineY(rows, {x: "month_date", y: "net_amount", stroke: blue, strokeWidth: 2, tip: true, title: (d) => `${format.month(d.month_date)}\n${format.money(d.net_amount)}\n${format.count(d.customer_count)} customers`}),
      Plot.ruleY([0])]
  });
}

/** Moves as streams from earlier segments to later segments. */
export function sankey(rows, {width, format, keys}) {
  const colour = colours(keys);
  const wide = width >= 640;
  const label = (position, name) => ({position: wide ? position : position === "left" ? "right" : "left", formatter: wrap(name, wide ? 30 : 17), fontSize: wide ? 12 : 11});
  const nodes = new Map();
  for (const d of rows) {
    // Each side has its own nodes, because a Sankey diagram has no cycles.
    nodes.set(`from ${d.from_segment_key}`, {name: `from ${d.from_segment_key}`, depth: 0, label: label("left", d.from_segment_name), itemStyle: {color: colour.get(d.from_segment_key) ?? "#888"}});
    nodes.set(`to ${d.to_segment_key}`, {name: `to ${d.to_segment_key}`, depth: 1, label: label("right", d.to_segment_name), itemStyle: {color: colour.get(d.to_segment_key) ?? "#888"}});
  }
  const side = wide ? Math.min(230, width * 0.25) : 10;
  return chart({series: [{
    type: "sankey", left: side, right: side, top: 10, bottom: 10, nodeGap: 8, nodeWidth: 14, draggable: false, layoutIterations: 0,
    lineStyle: {color: "source", opacity: 0.35, curveness: 0.5}, emphasis: {focus: "adjacency"}, data: [...nodes.values()],
    tooltip: {formatter: ({data}) => (data.move ? `${safe(data.move.from_segment_name)} → ${safe(data.move.to_segment_name)}<br>${format.count(data.value)} customers<br>paid ${format.money(data.move.net_amount_before)} before, ${format.money(data.move.net_amount_after)} since` : "")},
    links: rows.map((d) => ({source: `from ${d.from_segment_key}`, target: `to ${d.to_segment_key}`, value: d.customer_count, move: d}))
  }]}, width, Math.max(360, 44 * new Set(rows.map((d) => d.from_segment_key)).size));
}

/** The share of each segment's customers that moved to each segment. */
export function transitions(rows, {width, format}) {
  const sums = new Map();
  for (const d of rows) sums.set(d.from_segment_name, (sums.get(d.from_segment_name) ?? 0) + d.customer_count);
  const cells = rows.map((d) => ({...d, share: d.customer_count / sums.get(d.from_segment_name)}));
  const froms = [...new Set(cells.map((d) => d.from_segment_name))];
  return plot({
    width, height: 170 + lineHeight(froms, width, 34) * froms.length, marginLeft: margin(froms, width), marginBottom: 140, padding: 0.04, x: {label: null, tickRotate: width < 500 ? -90 : -40, tickFormat: (name) => wrap(name, 22)},
    y: {label: null, tickFormat: (name) => wrap(name, labels(width))}, color: {scheme: sequential, domain: [0, 1]},
    marks: [
      Plot.cell(cells, {x: "to_segment_name", y: "from_segment_name", fill: "share", rx: 3, tip: true, title: (d) => `${d.from_segment_name} → ${d.to_segment_name}\n${format.share(d.share)}, ${format.count(d.customer_count)} customers`}),
      ...(width < 500 ? [] : [Plot.text(cells, {x: "to_segment_name", y: "from_segment_name", text: (d) => format.share(d.share), fill: (d) => on(d.share), fontSize: 12, pointerEvents: "none"})])
    ]
  });
}

/** The middle half and the middle four fifths of customers' values, by segment. */
export function valueRanges(rows, {width, format}) {
  const names = rows.map((d) => d.segment_name);
  const positive = rows.filter((d) => d.q90 > 0);
  const low = Math.max(0.01, Math.min(...positive.map((d) => Math.max(d.q10, d.q90 / 10000))));
  const at = (key) => (d) => Math.max(d[key], low);
  return plot({
    width, height: 72 + lineHeight(names, width, 34) * rows.length, marginLeft: margin(names, width), x: {type: "log", label: "Value of a customer", tickFormat: format.moneyShort, grid: true, ticks: width < 500 ? 2 : 5},
    y: {label: null, domain: names, tickFormat: (name) => wrap(name, labels(width))},
    marks: [
      Plot.ruleY(positive, {y: "segment_name", x1: at("q10"), x2: at("q90"), stroke: blue, strokeOpacity: 0.5, strokeWidth: 3}),
      Plot.ruleY(positive, {y: "segment_name", x1: at("q25"), x2: at("q75"), stroke: blue, strokeWidth: 10}),
      Plot.dot(positive, {y: "segment_name", x: at("q50"), fill: orange, stroke: "white", r: 5, tip: true,
        title: (d) => `${d.segment_name}\nmiddle customer ${format.money(d.q50)}\nhalf of them ${format.money(d.q25)} to ${format.money(d.q75)}\nfour fifths ${format.money(d.q10)} to ${format.money(d.q90)}`})
    ]
  });
}

/** Number of customers by value, on a logarithmic scale. */
export function valueHistogram(rows, {width, format}) {
  const from = (step) => (step === 0 ? 0 : 10 ** ((step - 1) / 5));
  const steps = [...new Set(rows.map((d) => d.step))].sort((a, b) => a - b);
  const domain = steps.length ? Array.from({length: steps.at(-1) - steps[0] + 1}, (_, i) => steps[0] + i) : [];
  return plot({
    width, height: 280, marginLeft: 50, marginBottom: 45, x: {domain, label: "Value of a customer, at least", type: "band", tickFormat: (step) => (step % 5 === 1 || step === 0 ? format.moneyShort(from(step)) : "")},
    y: {label: "Customers", grid: true},
    marks: [
      Plot.barY(rows, {x: "step", y: "customer_count", fill: blue, tip: true, title: (d) => `${format.money(from(d.step))} to ${format.money(from(d.step + 1))}\n${format.count(d.customer_count)} customers\n${format.money(d.clv)} in total`}),
      Plot.ruleY([0])
    ]
  });
}

const RISKS = ["almost certain to return", "likely to return", "may or may not return", "likely to stay away", "almost certain to stay away", "not shown separately"];

/** Value at risk by segment, split by how likely customers are to stay away. */
export function atRisk(rows, {width, format}) {
  const names = [...new Set(rows.map((d) => d.segment_name))];
  return plot({
    width, height: 90 + lineHeight(names, width) * names.length, marginLeft: margin(names, width), x: {label: "Value at risk", tickFormat: format.moneyShort, grid: true}, y: {label: null, domain: names, tickFormat: (name) => wrap(name, labels(width))},
    color: {domain: RISKS, range: ["#3b528b", "#56b4e9", "#bbbbbb", "#e69f00", "#d55e00", "#88888855"], legend: true},
    marks: [
      Plot.barX(rows, {y: "segment_name", x: "value_at_risk", fill: "churn_risk", order: RISKS, tip: true,
        title: (d) => `${d.segment_name}\n${d.churn_risk}: ${format.count(d.customer_count)} customers\nat risk ${format.money(d.value_at_risk)}`}),
      Plot.ruleX([0])
    ]
  });
}

/** Forecasts of a past day and the outcomes, by decile of the forecast. */
export function calibration(rows, {width, show}) {
  const bars = rows.flatMap((d) => [{...d, kind: "Predicted", value: d.predicted_mean}, {...d, kind: "Actual", value: d.actual_mean}]);
  return plot({
    width, height: 320, marginLeft: 60, fx: {label: "Decile of customers, 1 has the highest forecast", padding: 0.15}, x: {axis: null, domain: ["Predicted", "Actual"]},
    y: {label: "Mean of a customer", grid: true, tickFormat: show}, color: {domain: ["Predicted", "Actual"], range: [blue, orange], legend: true},
    marks: [
      Plot.barY(bars, {fx: "decile", x: "kind", y: "value", fill: "kind", tip: true, title: (d) => `Decile ${d.decile}\n${d.kind}: ${show(d.value)}`}),
      Plot.ruleY([0])
    ]
  });
}

/** Models by how well they ranked customers, with the published model marked. */
export function modelComparison(rows, {width, format}) {
  const kind = (d) => (d.is_published ? "Published" : d.is_baseline ? "Naive baseline" : "Other model");
  const names = [...new Set(rows.map((d) => d.model))];
  return plot({
    width, height: 80 + 30 * names.length, marginLeft: margin(names.map(words), width), x: {label: "Normalised Gini (1 is the perfect order)", grid: true}, y: {label: null, domain: names, tickFormat: (name) => wrap(words(name), labels(width))},
    color: {domain: ["Published", "Other model", "Naive baseline"], range: [blue, green, orange], legend: true},
    marks: [Plot.dot(rows, {x: "normalised_gini", y: "model", fill: kind, r: 5, tip: true, title: (d) => `${words(d.model)} as of ${format.date(d.cutoff_date)}\nGini ${format.decimal(d.normalised_gini)}\nmean error ${format.decimal(d.mae)}`})]
  });
}

/** Rules by support and lift; a larger dot has a higher confidence. */
export function rulesScatter(rows, {width, format}) {
  const kind = (d) => (!d.is_significant ? "May be chance" : d.is_redundant ? "A shorter rule is as good" : "Worth acting on");
  return plot({
    width, height: 380, marginLeft: 50, grid: true, x: {type: "log", label: "Support: share of baskets with all of it →", tickFormat: format.share, ticks: 5}, y: {type: "log", label: "↑ Lift", tickFormat: format.decimal, ticks: 5},
    r: {range: [2, 11], domain: [0, 1]}, color: {domain: ["Worth acting on", "A shorter rule is as good", "May be chance"], range: [blue, orange, "#999999"], legend: true},
    marks: [
      Plot.ruleY([1], {strokeDasharray: "4 4"}),
      Plot.dot(rows, {x: "support", y: "lift", r: "confidence", fill: kind, fillOpacity: 0.65, stroke: "white", strokeWidth: 0.5, tip: true,
        title: (d) => `${d.antecedent} → ${d.consequent}\nlift ${format.decimal(d.lift)} (${format.decimal(d.lift_lower)} to ${format.decimal(d.lift_upper)})\nconfidence ${format.share(d.confidence)}, ${format.count(d.order_count)} baskets`})
    ]
  });
}

/** The items that the strongest rules connect. */
export function rulesNetwork(rows, {width, format}) {
  const degree = new Map();
  for (const d of rows) for (const name of [d.antecedent, d.consequent]) degree.set(name, (degree.get(name) ?? 0) + 1);
  const {color} = getComputedStyle(document.body);
  const room = Math.min(130, width * 0.24);
  return chart({series: [{
    type: "graph", layout: "circular", circular: {rotateLabel: true}, left: room, right: room, top: room, bottom: room, roam: false,
    edgeSymbol: ["none", "arrow"], edgeSymbolSize: 7, lineStyle: {curveness: 0.2, color: blue, opacity: 0.6}, emphasis: {focus: "adjacency"},
    label: {show: true, fontSize: 11, color, formatter: ({name}) => clip(name, width < 500 ? 14 : 22)},
    data: [...degree].map(([name, links]) => ({name, symbolSize: 8 + 2 * Math.min(links, 8), itemStyle: {color: orange}, tooltip: {formatter: () => safe(name)}})),
    links: rows.map((d) => ({source: d.antecedent, target: d.consequent, lineStyle: {width: 1 + 3 * d.confidence},
      tooltip: {formatter: () => `${safe(d.antecedent)} → ${safe(d.consequent)}<br>lift ${format.decimal(d.lift)}, confidence ${format.share(d.confidence)}`}}))
  }]}, width, Math.min(width, 560));
}

/** How often each method's lists contained a product that was bought later. */
export function hitRates(rows, {width, format}) {
  const methods = [...new Set(rows.map((d) => d.method))];
  const colour = colours(methods);
  return plot({
    width, height: 300, marginLeft: 50, marginRight: 20, x: {label: "Products in the list", type: "point", domain: [...new Set(rows.map((d) => d.k))].sort((a, b) => a - b)}, y: {label: "Customers who bought one of them", tickFormat: "%", grid: true, zero: true},
    color: {domain: methods.map(words), range: methods.map((name) => colour.get(name)), legend: true},
    marks: [
      Plot.line(rows, {x: "k", y: "hit_rate", z: "method", stroke: (d) => words(d.method), strokeWidth: 2, sort: "k"}),
      Plot.ruleX(rows, {x: "k", y1: (d) => d.hit_rate - 2 * d.hit_rate_se, y2: (d) => d.hit_rate + 2 * d.hit_rate_se, stroke: (d) => words(d.method), strokeOpacity: 0.5}),
      Plot.dot(rows, {x: "k", y: "hit_rate", fill: (d) => words(d.method), r: 4, tip: true, title: (d) => `${words(d.method)}, ${d.k} products\n${format.share(d.hit_rate)} of ${format.count(d.customer_count)} customers`}),
      Plot.ruleY([0])
    ]
  });
}

/** A heat map of cohorts: one row per month of first purchases, one column per month since. */
export function cohortTriangle(rows, {width, format, measure, show}) {
  const domain = [...new Set(rows.map((d) => d.months_since_first))].sort((a, b) => a - b);
  const top = Math.max(1e-9, ...rows.map((d) => d[measure] ?? 0));
  const cohorts = [...new Set(rows.map((d) => +d.cohort_month))].sort((a, b) => a - b);
  const small = width / domain.length < 34;
  return plot({
    width, height: 60 + 22 * cohorts.length, marginLeft: 70, marginTop: 40, padding: 0, x: {axis: "top", label: "Months since the first purchase", domain, ticks: small ? domain.filter((d) => d % 3 === 0) : domain},
    y: {label: null, domain: cohorts, tickFormat: (d) => format.month(new Date(d))}, color: {scheme: sequential, domain: [0, top], unknown: "#88888833"},
    marks: [
      Plot.cell(rows, {x: "months_since_first", y: (d) => +d.cohort_month, fill: (d) => d[measure], inset: 0.6, rx: 2, tip: true,
        title: (d) => `First bought ${format.month(d.cohort_month)}, month ${d.months_since_first}\n${d.is_hidden ? format.hidden : `${format.count(d.customer_count)} of ${format.count(d.cohort_size)} customers bought\n${show(d[measure])}`}`}),
      ...(small ? [] : [Plot.text(rows, {x: "months_since_first", y: (d) => +d.cohort_month, text: (d) => (d.is_hidden ? "·" : show(d[measure])), fill: (d) => (d.is_hidden ? "currentColor" : on((d[measure] ?? 0) / top)), fontSize: 10, pointerEvents: "none"})])
    ]
  });
}

/** Retention by months since the first purchase: thin lines for cohorts, a thick line for all of them. */
export function retentionCurves(rows, all, {width, format}) {
  return plot({
    width, height: 320, marginLeft: 50, x: {label: "Months since the first purchase", tickFormat: "d"}, y: {label: "Bought again", tickFormat: "%", grid: true, zero: true},
    marks: [
      Plot.line(rows, {x: "months_since_first", y: "retention", z: (d) => +d.cohort_month, stroke: blue, strokeOpacity: 0.25}),
      Plot.line(all, {x: "months_since_first", y: "retention", stroke: orange, strokeWidth: 3}),
      Plot.dot(all, {x: "months_since_first", y: "retention", fill: orange, r: 3, tip: true, title: (d) => `Month ${d.months_since_first}\n${format.share(d.retention)} of ${format.count(d.cohort_size)} customers`}),
      Plot.ruleY([0])
    ]
  });
}

/** Bars with their names. */
export function bars(rows, {width, name, value, label, show, colour = blue}) {
  const names = rows.map((d) => d[name]);
  return plot({
    width, height: 60 + lineHeight(names, width, 24) * rows.length, marginLeft: margin(names, width), marginRight: 60, x: {label, grid: true, tickFormat: show, ticks: width < 500 ? 2 : 4}, y: {label: null, domain: names, tickFormat: (text) => wrap(text, labels(width))},
    marks: [
      Plot.barX(rows, {y: name, x: value, fill: colour}),
      Plot.text(rows, {y: name, x: value, text: (d) => show(d[value]), dx: 4, textAnchor: "start"}),
      Plot.ruleX([0])
    ]
  });
}
