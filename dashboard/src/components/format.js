// Figures with their units, formatted for readers.

const NONE = "–";

/** The formats of a publication: money in its currency, counts, shares, days. */
export function formats({currency, min_cell: minCell}) {
  const number = (options) => new Intl.NumberFormat("en-GB", options);
  const known = /^[A-Z]{3}$/.test(currency ?? "") ? {style: "currency", currency} : {};
  const make = (format) => (value) => (value === null || value === undefined ? NONE : format.format(value));
  const exact = number({...known, maximumFractionDigits: 2, minimumFractionDigits: 2});
  const whole = number({...known, maximumFractionDigits: 0});
  const short = number({...known, notation: "compact", maximumSignificantDigits: 3});
  const percent = number({style: "percent", maximumFractionDigits: 1});
  const decimal = number({maximumSignificantDigits: 3});
  return {
    count: make(number({maximumFractionDigits: 0})),
    money: make(whole),
    moneyExact: make(exact),
    moneyShort: make(short),
    share: make(percent),
    decimal: make(decimal),
    times: (value) => (value === null || value === undefined ? NONE : `${decimal.format(value)}×`),
    days: (value) => (value === null || value === undefined ? NONE : `${number({maximumFractionDigits: 0}).format(value)} days`),
    date: (value) => (value ? value.toLocaleDateString("en-GB", {dateStyle: "medium", timeZone: "UTC"}) : NONE),
    month: (value) => (value ? value.toLocaleDateString("en-GB", {month: "short", year: "numeric", timeZone: "UTC"}) : NONE),
    text: (value) => value ?? NONE,
    yes: (value) => (value === null || value === undefined ? NONE : value ? "yes" : "no"),
    change: (value, format) => (value === null || value === undefined ? NONE : `${value > 0 ? "+" : value < 0 ? "−" : "±"}${format(Math.abs(value))}`),
    hidden: "not shown",
    why: `Figures of fewer than ${minCell} customers are not shown, nor are figures from which they could be derived.`
  };
}

const NAMES = {
  kmeans: "k-means", rfm_groups: "RFM groups", rfm_cell: "RFM cell mean", dbscan: "DBSCAN", hdbscan: "HDBSCAN", co_occurrence: "Co-occurrence", mbg_nbd: "MBG/NBD", bg_nbd: "BG/NBD",
  rfm: "RFM", challenger: "Boosted trees", blend: "Trees and model blended", rate: "Past rate", last_window: "As in the last window"
};

/** The label of a column or method: `recency_days` becomes `Recency days`, `kmeans` becomes k-means. */
export function words(name) {
  const text = NAMES[name] ?? name.replaceAll("_", " ");
  return name in NAMES ? text : text[0].toUpperCase() + text.slice(1);
}
