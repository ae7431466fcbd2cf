// Charts as functions: rows and a width in, an element out. `plot` is the library of plot.js.
// Colours that colour-blind readers can distinguish: Okabe and Ito's, then Tol's muted ones (see docs/dashboard.md).
const PALETTE = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#aa4499", "#999933", "#44aa99", "#cc6677", "#888888"];
const [BLUE, ORANGE, GREEN] = PALETTE;
const UNKNOWN = "#88888855";
// A segment has one colour on every page, because its place among all segments decides it.
const segmentColour = (key) => PALETTE[Math.min(about.segments[key]?.place ?? 99, PALETTE.length - 1)];
const segmentLegend = (rows) => [...new Set(rows.map((d) => d.segment_key))].map((key) => [segmentName(key), segmentColour(key)]);
const colourOf = (entries) => ({domain: entries.map(([name]) => name), range: entries.map(([, colour]) => colour)});
/** The text colour on a cell of viridis by its position: 0 is dark, 1 is light. */
const textOn = (position) => (position > 0.55 ? "#111" : "#fff");

// The month of the as-of date is open until its last day.
const asOf = new Date(about.as_of_date);
const isOpen = new Date(+asOf + 864e5).getUTCDate() !== 1;
const openMonth = isOpen ? Date.UTC(asOf.getUTCFullYear(), asOf.getUTCMonth(), 1) : null;

// Names differ at their ends, so a long name is wrapped, not cut.
const letters = (width) => (width < 500 ? 17 : 30);
function wrap(text, length) {
  const lines = [""];
  for (const word of text.split(" ")) {
    const longer = `${lines.at(-1)} ${word}`.trim();
    if (longer.length <= length || !lines.at(-1)) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines.join("\n");
}
const room = (names, width) => 20 + 7.2 * Math.max(4, ...names.flatMap((name) => wrap(name, letters(width)).split("\n").map((line) => line.length)));
const lineHeight = (names, width, least = 30) => Math.max(least, 10 + 13 * Math.max(1, ...names.map((name) => wrap(name, letters(width)).split("\n").length)));
const drawn = (options) => plot.plot({marginBottom: 42, ...options, style: {fontSize: "12px"}});
const named = (names, width) => ({label: null, domain: names, tickFormat: (name) => wrap(name, letters(width))});

/** Revenue by month of new and returning customers; the open month is paler. */
const KINDS = [["Returning customers", BLUE], ["New customers", ORANGE], ["New or returning", "#888888"]];
function revenueByMonth(rows, width) {
  const bars = rows.filter((d) => !d.is_hidden).flatMap((d) => (given(d.new_net_amount)
    ? [{...d, kind: KINDS[0][0], amount: d.net_amount - d.new_net_amount}, {...d, kind: KINDS[1][0], amount: d.new_net_amount}]
    : [{...d, kind: KINDS[2][0], amount: d.net_amount}]));
  return drawn({
    width, height: 280, marginLeft: 60, x: {label: null, type: "utc"}, y: {label: "Net revenue", grid: true, tickFormat: show.moneyShort, zero: true}, color: colourOf(KINDS),
    marks: [
      plot.rectY(bars, {x: "month_date", y: "amount", interval: "month", fill: "kind", fillOpacity: (d) => (+d.month_date === openMonth ? 0.4 : 1), order: KINDS.map(([name]) => name),
        tip: true, title: (d) => `${show.month(d.month_date)}${+d.month_date === openMonth ? ", not over yet" : ""}\n${d.kind}: ${show.money(d.amount)}\nall: ${show.money(d.net_amount)}, ${show.count(d.order_count)} orders`}),
      plot.ruleY([0])
    ]
  });
}

/** A line by month; the open month is a hollow dot next to it, because it would look like a collapse. */
function byMonth(rows, width, {y, label, format, colour = GREEN, tip}) {
  const known = rows.filter((d) => given(d[y])), over = known.filter((d) => +d.month_date !== openMonth), open = known.filter((d) => +d.month_date === openMonth);
  return drawn({
    width, height: 280, marginLeft: 60, x: {label: null, type: "utc"}, y: {label, grid: true, zero: true, tickFormat: format},
    marks: [
      plot.lineY(over, {x: "month_date", y, stroke: colour, strokeWidth: 2}),
      plot.dot(over, {x: "month_date", y, fill: colour, r: 3, tip: true, title: (d) => `${show.month(d.month_date)}\n${tip(d)}`}),
      plot.dot(open, {x: "month_date", y, stroke: colour, fill: "var(--surface)", r: 4, tip: true, title: (d) => `${show.month(d.month_date)}, not over yet\n${tip(d)}`}),
      plot.ruleY([0])
    ]
  });
}

/** Each segment's share of customers and of revenue, joined by a line. */
const SHARES = [["Share of customers", ORANGE], ["Share of revenue", BLUE]];
function shareDots(rows, width) {
  const names = rows.map((d) => d.segment_name);
  return drawn({
    width, height: 72 + lineHeight(names, width) * rows.length, marginLeft: room(names, width), x: {label: "Share", tickFormat: "%", grid: true, zero: true}, y: named(names, width), color: colourOf(SHARES),
    marks: [
      plot.ruleY(rows, {y: "segment_name", x1: "customer_share", x2: "revenue_share", strokeWidth: 2, stroke: "currentColor", strokeOpacity: 0.35}),
      plot.dot(rows, {y: "segment_name", x: "customer_share", fill: () => SHARES[0][0], r: 5}),
      plot.dot(rows, {y: "segment_name", x: "revenue_share", fill: () => SHARES[1][0], r: 6, tip: true,
        title: (d) => `${d.segment_name}\n${show.share(d.customer_share)} of customers\n${show.share(d.revenue_share)} of revenue`})
    ]
  });
}

const SVG = "http://www.w3.org/2000/svg";
function shape(name, attributes, ...children) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}
const hint = (text) => shape("title", {}, text);

/** Revenue as area, one tile per segment; a tile is labelled where its whole label fits. */
function treemap(rows, width) {
  const height = 320;
  const root = plot.hierarchy({children: rows.filter((d) => d.net_amount > 0)}).sum((d) => d.net_amount ?? 0).sort((a, b) => b.value - a.value);
  plot.treemap().size([width, height]).padding(1)(root);
  const svg = shape("svg", {width, height, viewBox: `0 0 ${width} ${height}`, "font-size": 12});
  for (const {x0, x1, y0, y1, data} of root.leaves()) {
    const w = x1 - x0, h = y1 - y0, fill = segmentColour(data.segment_key);
    const tile = shape("g", {transform: `translate(${x0},${y0})`}, hint(`${data.segment_name}\n${show.money(data.net_amount)}, ${show.share(data.revenue_share)} of revenue\n${show.count(data.customer_count)} customers`),
      shape("rect", {width: w, height: h, rx: 4, fill}));
    const lines = [...wrap(data.segment_name, Math.floor((w - 14) / 6.9)).split("\n"), show.share(data.revenue_share)];
    const fits = (some) => some.every((line) => line.length * 6.9 + 12 <= w) && some.length * 15 + 10 <= h;
    const shown = [lines, lines.slice(-1)].find(fits) ?? [];
    tile.append(...shown.map((line, i) => shape("text", {x: 7, y: 18 + 15 * i, fill: "#fff", stroke: "#000", "stroke-opacity": 0.75, "stroke-width": 3, "paint-order": "stroke", "font-weight": 600}, line)));
    svg.append(tile);
  }
  return svg;
}

/** A grid of scores; darker cells hold less. */
function rfmGrid(rows, width, {measure, x, y}) {
  const format = measure === "customer_count" ? show.count : show.moneyShort;
  const top = Math.max(1, ...rows.map((d) => d[measure] ?? 0));
  return drawn({
    width, height: Math.min(width, 400), marginLeft: 40, padding: 0.05, x: {label: `${x} score →`, domain: [1, 2, 3, 4, 5], type: "band"}, y: {label: `↑ ${y} score`, domain: [5, 4, 3, 2, 1], type: "band"}, color: {scheme: "viridis", domain: [0, top], unknown: UNKNOWN},
    marks: [
      plot.cell(rows, {x: "x_score", y: "y_score", fill: (d) => d[measure], rx: 4, tip: true,
        title: (d) => `${x} ${d.x_score}, ${y} ${d.y_score}\n${d.is_hidden ? show.hidden : `${show.count(d.customer_count)} customers\n${show.money(d.net_amount)} in total\n${show.money(d.mean_amount)} per customer`}`}),
      plot.text(rows, {x: "x_score", y: "y_score", text: (d) => (d.is_hidden ? "·" : format(d[measure])), fill: (d) => (d.is_hidden ? "currentColor" : textOn((d[measure] ?? 0) / top)), fontSize: width < 340 ? 11 : 13, fontWeight: 600, pointerEvents: "none"})
    ]
  });
}

/** How far each segment is from all others, by measure. Measures have no order, so nothing joins the dots. */
function driverDots(rows, width) {
  const spread = new Map();
  for (const d of rows) spread.set(d.measure, Math.max(spread.get(d.measure) ?? 0, Math.abs(d.standardised_difference)));
  const measures = [...spread].sort((a, b) => b[1] - a[1]).map(([name]) => name);
  const labels = measures.map(words);
  return drawn({
    width, height: 70 + lineHeight(labels, width, 24) * measures.length, marginLeft: room(labels, width), x: {label: "Standard deviations from all others", grid: true}, y: {label: null, domain: measures, tickFormat: (name) => wrap(words(name), letters(width))},
    color: colourOf(segmentLegend(rows)),
    marks: [
      plot.ruleX([0], {strokeOpacity: 0.6}),
      plot.dot(rows, {y: "measure", x: "standardised_difference", fill: (d) => segmentName(d.segment_key), fillOpacity: 0.9, r: 5, tip: true,
        title: (d) => `${segmentName(d.segment_key)}\n${words(d.measure)}: ${show.decimal(d.segment_mean)}\nothers: ${show.decimal(d.others_mean)}\n${d.driver}`})
    ]
  });
}

/** Moves as streams from earlier segments to later segments; small moves are one stream. */
const REST = "other moves";
function moveStreams(rows, width) {
  const wide = width >= 640;
  const nodes = new Map();
  const node = (side, key, name) => { if (!nodes.has(side + key)) nodes.set(side + key, {id: side + key, side, name, colour: key === REST ? "#888888" : segmentColour(key)}); return side + key; };
  // Each side has its own nodes, because a Sankey diagram has no cycles.
  const links = rows.filter((d) => d.customer_count > 0).map((d) => ({source: node("from ", d.from_segment_key, d.from_segment_name), target: node("to ", d.to_segment_key, d.to_segment_name), value: d.customer_count, move: d}));
  const count = Math.max(1, ...["from ", "to "].map((side) => [...nodes.values()].filter((d) => d.side === side).length));
  const length = wide ? 28 : 18, lines = Math.max(1, ...[...nodes.values()].map((d) => wrap(d.name, length).split("\n").length));
  const gap = 4 + 13 * lines, height = 40 + count * (gap + 26);
  const side = wide ? Math.min(210, width * 0.27) : 2;
  const graph = plot.sankey().nodeId((d) => d.id).nodeWidth(14).nodePadding(gap).extent([[side, 12], [width - side, height - 14]])({nodes: [...nodes.values()], links});
  const svg = shape("svg", {width, height, viewBox: `0 0 ${width} ${height}`, "font-size": wide ? 12 : 11});
  const path = plot.sankeyLinkHorizontal();
  for (const link of graph.links) {
    const {move} = link;
    svg.append(shape("path", {d: path(link), fill: "none", stroke: link.source.colour, "stroke-opacity": 0.4, "stroke-width": Math.max(1, link.width)},
      hint(`${move.from_segment_name} → ${move.to_segment_name}\n${show.count(move.customer_count)} customers\npaid ${show.money(move.net_amount_before)} before, ${show.money(move.net_amount_after)} since`)));
  }
  for (const d of graph.nodes) {
    svg.append(shape("rect", {x: d.x0, y: d.y0, width: d.x1 - d.x0, height: Math.max(1, d.y1 - d.y0), fill: d.colour}));
    const outside = wide ? -1 : 1, from = d.side === "from ";
    const parts = wrap(d.name, length).split("\n");
    const x = from ? (wide ? d.x0 - 6 : d.x1 + 5) : wide ? d.x1 + 6 : d.x0 - 5;
    const text = shape("text", {"text-anchor": from === (outside < 0) ? "end" : "start", fill: "currentColor", stroke: "var(--surface)", "stroke-width": 3, "stroke-linejoin": "round", "paint-order": "stroke"});
    parts.forEach((line, i) => text.append(shape("tspan", {x, y: (d.y0 + d.y1) / 2 + 4 + 13 * (i - (parts.length - 1) / 2)}, line)));
    svg.append(text);
  }
  return svg;
}

/** The share of each segment's customers that moved to each segment, and to all that is not shown one by one. */
function transitions(rows, width) {
  const froms = [...new Set(rows.map((d) => d.from_segment_name))];
  const rest = rows.filter((d) => d.to_segment_key === REST).map((d) => d.to_segment_name);
  const tos = [...new Set([...rows.map((d) => d.to_segment_name).filter((name) => !rest.includes(name)), ...rest])];
  const left = room(froms, width), wanted = onPaper ? width : Math.max(width, left + 46 * tos.length + 20);
  return drawn({
    width: wanted, height: 170 + lineHeight(froms, width, 34) * froms.length, marginLeft: left, marginBottom: 140, padding: 0.04, x: {label: null, domain: tos, tickRotate: -40, tickFormat: (name) => wrap(name, 22)},
    y: named(froms, width), color: {scheme: "viridis", domain: [0, 1]},
    marks: [
      plot.cell(rows, {x: "to_segment_name", y: "from_segment_name", fill: "share", rx: 3, tip: true, title: (d) => `${d.from_segment_name} → ${d.to_segment_name}\n${show.share(d.share)}, ${show.count(d.customer_count)} customers`}),
      plot.text(rows, {x: "to_segment_name", y: "from_segment_name", text: (d) => show.shareShort(d.share), fill: (d) => textOn(d.share), fontSize: 12, pointerEvents: "none"})
    ]
  });
}

/** The middle half and the middle four fifths of customers' values, by segment. */
function valueRanges(rows, width) {
  const names = rows.map((d) => d.segment_name);
  const positive = rows.filter((d) => d.q90 > 0);
  const low = Math.max(0.01, Math.min(...positive.map((d) => Math.max(d.q10, d.q90 / 10000))));
  const at = (key) => (d) => Math.max(d[key], low);
  return drawn({
    width, height: 72 + lineHeight(names, width, 34) * rows.length, marginLeft: room(names, width), x: {type: "log", label: "Value of a customer", tickFormat: show.moneyShort, grid: true, ticks: width < 500 ? 2 : 5}, y: named(names, width),
    marks: [
      plot.ruleY(positive, {y: "segment_name", x1: at("q10"), x2: at("q90"), stroke: BLUE, strokeOpacity: 0.5, strokeWidth: 3}),
      plot.ruleY(positive, {y: "segment_name", x1: at("q25"), x2: at("q75"), stroke: BLUE, strokeWidth: 10}),
      plot.dot(positive, {y: "segment_name", x: at("q50"), fill: ORANGE, stroke: "white", r: 5, tip: true,
        title: (d) => `${d.segment_name}\nmiddle customer ${show.money(d.q50)}\nhalf of them ${show.money(d.q25)} to ${show.money(d.q75)}\nfour fifths ${show.money(d.q10)} to ${show.money(d.q90)}`})
    ]
  });
}

/** Number of customers by value, on a logarithmic scale. */
const valueFrom = (step) => (step === 0 ? 0 : 10 ** ((step - 1) / 2));
function valueHistogram(rows, width) {
  const bounds = [...new Set(rows.flatMap((d) => [d.step, d.to_step]))].sort((a, b) => a - b);
  return drawn({
    width, height: 280, marginLeft: 50, marginBottom: 45, marginRight: 30, x: {label: "Value of a customer", ticks: bounds.filter((d) => width > 500 || d % 2 === 1), tickFormat: (step) => show.moneyShort(valueFrom(step))}, y: {label: "Customers", grid: true},
    marks: [
      plot.rectY(rows, {x1: "step", x2: "to_step", y: "customer_count", fill: BLUE, inset: 1, tip: true, title: (d) => `${show.money(valueFrom(d.step))} to ${show.money(valueFrom(d.to_step))}\n${show.count(d.customer_count)} customers\n${show.money(d.clv)} in total`}),
      plot.ruleY([0])
    ]
  });
}

/** Value at risk by segment, split by how likely customers are to stay away. */
const RISKS = [["almost certain to return", "#3b528b"], ["likely to return", "#56b4e9"], ["may or may not return", "#bbbbbb"], ["likely to stay away", "#e69f00"], ["almost certain to stay away", "#d55e00"], ["not shown separately", "#88888866"]];
function riskBars(rows, width) {
  const names = [...new Set(rows.map((d) => d.segment_name))];
  return drawn({
    width, height: 70 + lineHeight(names, width) * names.length, marginLeft: room(names, width), marginRight: 30, x: {label: "Value at risk", tickFormat: show.moneyShort, grid: true, ticks: width < 500 ? 3 : 6}, y: named(names, width), color: colourOf(RISKS),
    marks: [
      plot.barX(rows, {y: "segment_name", x: "value_at_risk", fill: "churn_risk", order: RISKS.map(([name]) => name), tip: true,
        title: (d) => `${d.segment_name}\n${d.churn_risk}: ${show.count(d.customer_count)} customers\nat risk ${show.money(d.value_at_risk)}`}),
      plot.ruleX([0])
    ]
  });
}

/** Forecasts of a past day and the outcomes, by decile of the forecast. */
const OUTCOMES = [["Predicted", BLUE], ["Actual", ORANGE]];
function calibration(rows, width, format) {
  const bars = rows.flatMap((d) => [{...d, kind: "Predicted", value: d.predicted_mean}, {...d, kind: "Actual", value: d.actual_mean}]);
  return drawn({
    width, height: 300, marginLeft: 60, fx: {label: "Decile of customers, 1 has the highest forecast", padding: 0.15}, x: {axis: null, domain: OUTCOMES.map(([name]) => name)}, y: {label: "Mean of a customer", grid: true, tickFormat: format}, color: colourOf(OUTCOMES),
    marks: [
      plot.barY(bars, {fx: "decile", x: "kind", y: "value", fill: "kind", tip: true, title: (d) => `Decile ${d.decile}\n${d.kind}: ${format(d.value)}`}),
      plot.ruleY([0])
    ]
  });
}
/** The total that was forecast on each past day, and what came. */
function pastTotals(rows, width, format) {
  const bars = rows.flatMap((d) => [{day: show.date(d.cutoff_date), kind: "Predicted", value: d.predicted_total}, {day: show.date(d.cutoff_date), kind: "Actual", value: d.actual_total}]);
  return drawn({
    width, height: 300, marginLeft: 64, fx: {label: null, padding: 0.2, domain: rows.map((d) => show.date(d.cutoff_date)), tickFormat: (name) => wrap(name, width < 500 ? 8 : 20)}, x: {axis: null, domain: OUTCOMES.map(([name]) => name)}, y: {label: "Total", grid: true, tickFormat: format}, color: colourOf(OUTCOMES),
    marks: [plot.barY(bars, {fx: "day", x: "kind", y: "value", fill: "kind", tip: true, title: (d) => `${d.day}\n${d.kind}: ${format(d.value)}`}), plot.ruleY([0])]
  });
}

/** Models by how well they ranked customers, with the published model marked. */
const MODELS = [["Published", BLUE], ["Other model", GREEN], ["Naive baseline", ORANGE]];
function modelComparison(rows, width) {
  const kind = (d) => (d.is_published ? "Published" : d.is_baseline ? "Naive baseline" : "Other model");
  const names = [...new Set(rows.map((d) => d.model))];
  return drawn({
    width, height: 70 + 30 * names.length, marginLeft: room(names.map(words), width), x: {label: "Normalised Gini (1 is the perfect order)", grid: true}, y: {label: null, domain: names, tickFormat: (name) => wrap(words(name), letters(width))}, color: colourOf(MODELS),
    marks: [plot.dot(rows, {x: "normalised_gini", y: "model", fill: kind, r: 5, tip: true, title: (d) => `${words(d.model)} as of ${show.date(d.cutoff_date)}\nGini ${show.decimal(d.normalised_gini)}\nmean error ${show.decimal(d.mae)}`})]
  });
}

/** Rules by support and lift; a larger dot has a higher confidence. */
const VERDICTS = [["Worth acting on", BLUE], ["A shorter rule is as good", ORANGE], ["May be chance", "#888888"]];
function rulesScatter(rows, width) {
  const kind = (d) => (!d.is_significant ? "May be chance" : d.is_redundant ? "A shorter rule is as good" : "Worth acting on");
  return drawn({
    width, height: 380, marginLeft: 50, grid: true, x: {type: "log", label: "Support: share of baskets with all of it →", tickFormat: show.share, ticks: width < 500 ? 2 : 5}, y: {type: "log", label: "↑ Lift", tickFormat: show.decimal, ticks: 5},
    r: {range: [2, 11], domain: [0, 1]}, color: colourOf(VERDICTS),
    marks: [
      plot.ruleY([1], {strokeDasharray: "4 4"}),
      plot.dot(rows, {x: "support", y: "lift", r: "confidence", fill: kind, fillOpacity: 0.65, stroke: "white", strokeWidth: 0.5, tip: true,
        title: (d) => `${d.antecedent} → ${d.consequent}\nlift ${show.decimal(d.lift)} (${show.decimal(d.lift_lower)} to ${show.decimal(d.lift_upper)})\nconfidence ${show.share(d.confidence)}, ${show.count(d.order_count)} baskets`})
    ]
  });
}
/** The range in which the lift of the strongest rules lies. */
function ruleRanges(rows, width) {
  const name = (d) => `${d.antecedent} → ${d.consequent}`;
  const names = rows.map(name);
  const length = width < 500 ? 20 : 44, lines = Math.max(1, ...names.map((text) => wrap(text, length).split("\n").length));
  return drawn({
    width, height: 70 + (14 + 13 * lines) * rows.length, marginLeft: width < 500 ? 176 : 368, marginRight: 20, x: {label: "Lift, with its 95 % interval", grid: true, nice: true, tickFormat: show.decimal, ticks: width < 500 ? 3 : 6}, y: {label: null, domain: names, tickFormat: (text) => wrap(text, length)},
    marks: [
      plot.ruleY(rows, {y: name, x1: "lift_lower", x2: "lift_upper", stroke: BLUE, strokeWidth: 3, strokeOpacity: 0.5}),
      plot.dot(rows, {y: name, x: "lift", fill: BLUE, r: 5, tip: true, title: (d) => `${name(d)}\nlift ${show.decimal(d.lift)}, confidence ${show.share(d.confidence)}\n${show.count(d.order_count)} baskets`})
    ]
  });
}

/** How often each method's lists contained a product that was bought later. */
const methodLegend = (rows) => [...new Set(rows.map((d) => d.method))].map((name, i) => [words(name), PALETTE[i % PALETTE.length]]);
function hitRates(rows, width) {
  return drawn({
    width, height: 300, marginLeft: 50, marginRight: 20, x: {label: "Products in the list", type: "point", domain: [...new Set(rows.map((d) => d.k))].sort((a, b) => a - b)}, y: {label: "Customers who bought one of them", tickFormat: "%", grid: true, zero: true}, color: colourOf(methodLegend(rows)),
    marks: [
      plot.line(rows, {x: "k", y: "hit_rate", z: "method", stroke: (d) => words(d.method), strokeWidth: 2, sort: "k"}),
      plot.ruleX(rows, {x: "k", y1: (d) => d.hit_rate - 2 * d.hit_rate_se, y2: (d) => d.hit_rate + 2 * d.hit_rate_se, stroke: (d) => words(d.method), strokeOpacity: 0.5}),
      plot.dot(rows, {x: "k", y: "hit_rate", fill: (d) => words(d.method), r: 4, tip: true, title: (d) => `${words(d.method)}, ${d.k} products\n${show.share(d.hit_rate)} of ${show.count(d.customer_count)} customers`}),
      plot.ruleY([0])
    ]
  });
}

/** A heat map of cohorts: one row per period of first purchases, one column per period since. */
function cohortTriangle(rows, width, {measure, format, name, unit}) {
  const domain = [...new Set(rows.map((d) => d.age))].sort((a, b) => a - b);
  const top = Math.max(1e-9, ...rows.map((d) => d[measure] ?? 0));
  const cohorts = [...new Set(rows.map((d) => +d.cohort_date))].sort((a, b) => a - b);
  const wanted = onPaper ? width : Math.max(width, 84 + 32 * domain.length);
  return drawn({
    width: wanted, height: 64 + 23 * cohorts.length, marginLeft: 84, marginTop: 40, marginBottom: 8, padding: 0, x: {axis: "top", label: `${unit} since the first purchase`, domain}, y: {label: null, domain: cohorts, tickFormat: (d) => name(new Date(d))}, color: {scheme: "viridis", domain: [0, top], unknown: UNKNOWN},
    marks: [
      plot.cell(rows, {x: "age", y: (d) => +d.cohort_date, fill: (d) => d[measure], inset: 0.6, rx: 2, tip: true,
        title: (d) => `First bought ${name(d.cohort_date)}, ${unit.toLowerCase().replace(/s$/, "")} ${d.age}\n${d.is_hidden ? show.hidden : `${show.count(d.customer_count)} of ${show.count(d.cohort_size)} customers bought\n${format(d[measure])}`}`}),
      plot.text(rows, {x: "age", y: (d) => +d.cohort_date, text: (d) => (d.is_hidden ? "·" : format(d[measure])), fill: (d) => (d.is_hidden ? "currentColor" : textOn((d[measure] ?? 0) / top)), fontSize: wanted / domain.length < 30 ? 8 : wanted / domain.length < 38 ? 10 : 11, pointerEvents: "none"})
    ]
  });
}
/** Retention since the first purchase: thin lines for cohorts, a thick line for all; dots where few cohorts are behind it. */
function retentionCurves(rows, all, width, {unit}) {
  const few = all.filter((d) => d.is_thin), many = all.filter((d) => !d.is_thin);
  const tip = (d) => `${unit} ${d.age}\n${show.share(d.retention)} of ${show.count(d.cohort_size)} customers\nin ${show.count(d.cohort_count)} cohorts`;
  return drawn({
    width, height: 320, marginLeft: 50, x: {label: `${unit}s since the first purchase`, tickFormat: "d"}, y: {label: "Bought again", tickFormat: "%", grid: true, zero: true},
    marks: [
      plot.line(rows, {x: "age", y: "retention", z: (d) => +d.cohort_date, stroke: BLUE, strokeOpacity: 0.25}),
      plot.line(many, {x: "age", y: "retention", stroke: ORANGE, strokeWidth: 3}),
      plot.dot(many, {x: "age", y: "retention", fill: ORANGE, r: 3, tip: true, title: tip}),
      plot.dot(few, {x: "age", y: "retention", stroke: ORANGE, fill: "var(--surface)", r: 3.5, tip: true, title: tip}),
      plot.ruleY([0])
    ]
  });
}

/** Bars with their names. */
function bars(rows, width, {name, value, label, format, colour = BLUE}) {
  const names = rows.map((d) => d[name]);
  return drawn({
    width, height: 60 + lineHeight(names, width, 24) * rows.length, marginLeft: room(names, width), marginRight: 64, x: {label, grid: true, tickFormat: format, ticks: width < 500 ? 2 : 4}, y: named(names, width),
    marks: [
      plot.barX(rows, {y: name, x: value, fill: colour}),
      plot.text(rows.filter((d) => given(d[value])), {y: name, x: (d) => Math.max(0, d[value]), text: (d) => format(d[value]), dx: 4, textAnchor: "start"}),
      plot.ruleX([0])
    ]
  });
}
