// The parts of every page: tiles, cards with a chart and its numbers, tables, downloads.
import {resize} from "observablehq:stdlib";
import {csv} from "./data.js";

/** An element with properties and children; a child may be text, a node, or nothing. */
export function element(name, properties = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

/** A line that names the data of a page: source, day and build. */
export function aboutLine(about) {
  const published = about.published_at.replace("T", " ").slice(0, 16);
  return element("p", {class: "about"}, `Source ${about.source_name}, as of ${about.as_of_date}; published ${published} UTC, build ${about.build_id}.`);
}

/** A row of key figures: `{label, value, note}` each. */
export function tiles(items) {
  return element("div", {class: "tiles"}, items.map(({label, value, note}) =>
    element("dl", {class: "card tile"}, element("dt", {}, label), element("dd", {class: "value"}, value), element("dd", {class: "aside"}, note ?? ""))
  ));
}

/**
 * A card: a title, one sentence on how to read it, a chart drawn to the card's width, and the numbers behind it.
 * Without rows it shows `empty` instead; `content` replaces the chart.
 */
export function card({title, how, rows, draw, content, columns, wide = false, empty = "Nothing to show here.", table = "details"}) {
  const body = [];
  if (!rows.length) body.push(element("p", {class: "empty"}, empty));
  else {
    if (content) body.push(content);
    if (draw) {
      const chart = resize((width) => draw(Math.max(width, 240)));
      chart.setAttribute("role", "img");
      chart.setAttribute("aria-label", `${title}. ${how}${columns ? " The numbers follow as a table." : ""}`);
      body.push(chart);
    }
    if (columns && table === "details") {
      const details = element("details", {}, element("summary", {}, "The numbers"));
      // Filled when opened, because most readers only look at the chart.
      details.addEventListener("toggle", () => details.childElementCount === 1 && details.append(numbers(rows, columns, {title})), {once: true});
      body.push(details);
    } else if (columns) body.push(numbers(rows, columns, {title}));
  }
  return element("figure", {class: wide ? "card wide" : "card"}, element("h2", {}, title), element("p", {class: "how"}, how), ...body);
}

/**
 * A table of rows: columns of `{key, label, format, bar, swatch}`; `bar` draws the share of the column's largest value.
 * A hidden row shows `hidden` in its first figure and nothing else. Clicking a heading sorts.
 */
export function numbers(rows, columns, {hidden = "not shown", limit = 500, title = "Table"} = {}) {
  const largest = Object.fromEntries(columns.filter((column) => column.bar).map(({key}) => [key, Math.max(0, ...rows.map((row) => Math.abs(row[key] ?? 0)))]));
  const isNumber = Object.fromEntries(columns.map(({key}) => [key, rows.some((row) => typeof row[key] === "number")]));
  const body = element("tbody");
  const fill = (ordered) => {
    body.replaceChildren(...ordered.slice(0, limit).map((row) => {
      let told = false;
      return element("tr", {}, columns.map(({key, format = (value) => value ?? "–", bar, swatch}) => {
        const number = isNumber[key];
        if (row.is_hidden && row[key] === null) {
          const text = told ? "" : hidden;
          told = true;
          return element("td", {class: number ? "number hidden" : "hidden"}, text);
        }
        const share = bar && largest[key] ? `--share:${(100 * Math.abs(row[key] ?? 0)) / largest[key]}%` : null;
        return element("td", {class: [number ? "number" : "text", bar ? "bar" : ""].join(" ").trim(), style: share},
          swatch ? element("span", {class: "swatch", style: `background:${swatch(row)}`}) : null, format(row[key], row));
      }));
    }));
  };
  let sorted = null;
  let direction = 1;
  const heads = columns.map(({key, label}) => element("th", {class: isNumber[key] ? "number" : null, scope: "col"},
    element("button", {type: "button", title: "Sort", onclick: () => {
      direction = sorted === key ? -direction : isNumber[key] ? -1 : 1;
      sorted = key;
      heads.forEach((head) => head.removeAttribute("aria-sort"));
      heads[columns.findIndex((column) => column.key === key)].setAttribute("aria-sort", direction > 0 ? "ascending" : "descending");
      fill([...rows].sort((a, b) => direction * compare(a[key], b[key])));
    }}, label)));
  fill(rows);
  const more = rows.length > limit ? element("p", {class: "how"}, `The first ${limit} of ${rows.length} rows.`) : null;
  return element("div", {}, element("div", {class: "scroll", tabindex: 0, role: "region", "aria-label": title},
    element("table", {class: "numbers"}, element("thead", {}, element("tr", {}, heads)), body)), more);
}

function compare(a, b) {
  if (a === b) return 0;
  if (a === null || a === undefined) return 1;
  if (b === null || b === undefined) return -1;
  return a < b ? -1 : 1;
}

/** A button that saves rows as CSV; `rows` may be a function that is called on a click. */
export function download(label, file, columns, rows) {
  return element("button", {type: "button", class: "download", onclick: async () => {
    const found = typeof rows === "function" ? await rows() : rows;
    const address = URL.createObjectURL(new Blob(["\ufeff" + csv(found, columns)], {type: "text/csv;charset=utf-8"}));
    element("a", {href: address, download: file}).click();
    setTimeout(() => URL.revokeObjectURL(address), 10000);
  }}, label);
}
