// A page's data: dates as dates, and texts for hidden figures.

/** Read a page's JSON: `rows(table)`, empty if the publication has no such table; `lists`; and `about`, the publication of all of it. */
export async function load(attachment) {
  const {about, tables, lists} = await attachment.json();
  for (const {rows} of Object.values(tables)) {
    for (const row of rows) {
      for (const key in row) if (/_(date|month)$/.test(key) && row[key]) row[key] = new Date(row[key]);
    }
  }
  return {about, lists, rows: (table) => tables[table]?.rows ?? []};
}

/** The countries of a table for a filter, `All countries` first. */
export function places(rows) {
  const sums = new Map();
  for (const {place, customer_count} of rows) sums.set(place, Math.max(sums.get(place) ?? 0, customer_count ?? 0));
  const last = (place) => (place === "All countries" ? 0 : /^(Other|Unknown) /.test(place) ? 2 : 1);
  return [...sums].sort(([a, m], [b, n]) => last(a) - last(b) || n - m || a.localeCompare(b)).map(([place]) => place);
}

/** The segmentations of a table by key, each with its label. */
export function segmentations(rows) {
  const words = {behaviour: "How customers buy", baskets: "What they buy together", rfm: "RFM groups"};
  const found = [...new Set(rows.map((row) => row.segmentation))];
  const order = Object.keys(words);
  found.sort((a, b) => order.indexOf(a) - order.indexOf(b));
  return new Map(found.map((key) => [words[key] ?? key, key]));
}

/** Comma-separated values of rows: a header line, and quotes where a value needs them. */
export function csv(rows, columns) {
  const text = (value) => {
    if (value instanceof Date) value = value.toISOString().slice(0, 10);
    const written = String(value ?? "");
    // A value that a spreadsheet would read as a formula is written as text.
    const safe = typeof value === "string" && /^[=+\-@\t\r]/.test(written) ? `'${written}` : written;
    return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return [columns.join(","), ...rows.map((row) => columns.map((name) => text(row[name])).join(","))].join("\r\n") + "\r\n";
}
