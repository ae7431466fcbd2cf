// The data of a page, the state in its address, and formats. All scripts of the site share one scope.
const NONE = "–";
const ALL = "All countries";
const content = JSON.parse(document.getElementById("data").textContent);
const about = content.about;

// Rows travel as arrays, their column names once. Dates become dates.
for (const table of Object.values(content.tables)) {
  table.rows = table.rows.map((cells) => Object.fromEntries(table.columns.map((key, i) =>
    [key, /_(date|month)$/.test(key) && cells[i] ? new Date(cells[i]) : cells[i]])));
}
/** The rows of a table; none if the publication has no such table. */
const rowsOf = (name) => content.tables[name]?.rows ?? [];

// State is kept behind the #, where a file and every web server leave it alone.
const state = {
  read: () => new URLSearchParams(location.hash.slice(1)),
  get: (name) => state.read().get(name),
  /** The address with these values; null removes a name. */
  address(changes, page = "") {
    const next = page ? new URLSearchParams() : state.read();
    for (const [name, value] of Object.entries(changes)) {
      if (value === null || value === undefined) next.delete(name);
      else next.set(name, value);
    }
    const text = next.toString();
    return `${page}${text || !page ? `#${text}` : ""}`;
  }
};

const number = (options) => new Intl.NumberFormat("en-GB", options);
const given = (value) => value !== null && value !== undefined;
const make = (format) => (value) => (given(value) ? format.format(value) : NONE);
const inMoney = /^[A-Z]{3}$/.test(about.currency ?? "") ? {style: "currency", currency: about.currency} : {};
const decimals = number({maximumSignificantDigits: 3});
const wholes = number({maximumFractionDigits: 0});
const show = {
  count: make(wholes),
  money: make(number({...inMoney, maximumFractionDigits: 0})),
  moneyExact: make(number({...inMoney, maximumFractionDigits: 2, minimumFractionDigits: 2})),
  moneyShort: make(number({...inMoney, notation: "compact", maximumSignificantDigits: 3})),
  share: make(number({style: "percent", maximumFractionDigits: 1})),
  shareShort: make(number({style: "percent", maximumFractionDigits: 0})),
  decimal: make(decimals),
  times: (value) => (given(value) ? `${decimals.format(value)}×` : NONE),
  days: (value) => (given(value) ? `${wholes.format(value)} days` : NONE),
  date: (value) => (value ? value.toLocaleDateString("en-GB", {dateStyle: "medium", timeZone: "UTC"}) : NONE),
  month: (value) => (value ? value.toLocaleDateString("en-GB", {month: "short", year: "numeric", timeZone: "UTC"}) : NONE),
  yes: (value) => (given(value) ? (value ? "yes" : "no") : NONE),
  change: (value, format) => (given(value) ? `${value > 0 ? "+" : value < 0 ? "−" : "±"}${format(Math.abs(value))}` : NONE),
  hidden: "not shown"
};
const WHY = `Figures of fewer than ${about.min_cell} customers are not shown, nor are figures from which they could be derived.`;

const NAMES = {
  kmeans: "k-means", rfm_groups: "RFM groups", rfm_cell: "RFM cell mean", dbscan: "DBSCAN", hdbscan: "HDBSCAN", co_occurrence: "Co-occurrence", mbg_nbd: "MBG/NBD", bg_nbd: "BG/NBD",
  rfm: "RFM", challenger: "Boosted trees", blend: "Trees and model blended", rate: "Past rate", last_window: "As in the last window"
};
/** The label of a column or method: `recency_days` becomes `Recency days`, `kmeans` becomes k-means. */
function words(name) {
  if (!name) return NONE;
  if (name in NAMES) return NAMES[name];
  const text = name.replaceAll("_", " ");
  return text[0].toUpperCase() + text.slice(1);
}
/** What a measure says in a sentence of the reader: `repeat` of a table, its key removed. */
const sum = (rows, key) => rows.reduce((total, d) => total + (d[key] ?? 0), 0);

/** The countries of a table for a filter, all countries first. */
function places(rows) {
  const sums = new Map();
  for (const {place, customer_count: count} of rows) sums.set(place, Math.max(sums.get(place) ?? 0, count ?? 0));
  const last = (place) => (place === ALL ? 0 : /^(Other|Unknown) /.test(place) ? 2 : 1);
  return [...sums].sort(([a, m], [b, n]) => last(a) - last(b) || n - m || a.localeCompare(b)).map(([place]) => [place, place]);
}
/** The segmentations of a table: key and label. */
function segmentations(rows) {
  const labels = {behaviour: "How customers buy", baskets: "What they buy together", rfm: "RFM groups"};
  const order = Object.keys(labels);
  return [...new Set(rows.map((row) => row.segmentation))]
    .sort((a, b) => order.indexOf(a) - order.indexOf(b)).map((key) => [key, labels[key] ?? words(key)]);
}
/** The name of a segment by its key, wherever it is named. */
const segmentName = (key) => about.segments[key]?.name ?? key;

/** Comma-separated values of rows: a header line, and quotes where a value needs them. */
function csv(rows, columns) {
  const text = (value) => {
    if (value instanceof Date) value = value.toISOString().slice(0, 10);
    const written = String(value ?? "");
    // A value that a spreadsheet would read as a formula is written as text.
    const safe = typeof value === "string" && /^[=+\-@\t\r]/.test(written) ? `'${written}` : written;
    return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return [columns.join(","), ...rows.map((row) => columns.map((name) => text(row[name])).join(","))].join("\r\n") + "\r\n";
}

// Lists of customers are separate scripts, because a page that is opened as a file may not fetch.
const lists = {};
window.clientele = {receive: (name, value) => { lists[name] = value; }, csv};
/** A list of customers, or null where the site has none. */
function list(name) {
  if (name in lists) return Promise.resolve(lists[name]);
  return new Promise((resolve) => {
    const script = document.createElement("script");
    script.src = `customers/${name}.js`;
    script.onload = () => resolve(lists[name] ?? null);
    script.onerror = () => resolve(null);
    document.head.append(script);
  });
}
