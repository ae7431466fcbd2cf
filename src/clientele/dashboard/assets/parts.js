// The parts of every page: filters, tiles, cards with a chart and its numbers, tables, downloads.

/** An element with properties and children; a child may be text, a node, or nothing. */
function element(name, properties = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => given(child) && child !== false));
  return node;
}
const paragraph = (text, kind) => element("p", {class: kind}, text);
const heading = (text) => element("h2", {class: "part"}, text);
const anchor = (text, address) => element("a", {href: address}, text);
const grid = (...cards) => element("div", {class: "cards"}, cards);

/** A line of a few values, without axes; a gap where a value is not shown. */
function spark(values) {
  const known = values.filter(given);
  if (known.length < 2) return null;
  const top = Math.max(...known, 0), low = Math.min(...known, 0), span = top - low || 1;
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 100 24");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("class", "spark");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  let pen = "M";
  path.setAttribute("d", values.map((value, i) => {
    if (!given(value)) { pen = "M"; return ""; }
    const step = `${pen}${(100 * i) / (values.length - 1)} ${23 - (22 * (value - low)) / span}`;
    pen = "L";
    return step;
  }).join(""));
  svg.append(path);
  return svg;
}

/** A row of key figures: `{label, value, note, notes, line, href}` each. */
function tiles(items) {
  return element("div", {class: "tiles"}, items.filter(Boolean).map(({label, value, note, notes = [], line, href}) =>
    element("dl", {class: "tile"}, element("dt", {}, href ? anchor(label, href) : label), element("dd", {class: "value"}, value),
      [note, ...notes].filter(Boolean).map((text) => element("dd", {class: "aside"}, text)), line ? element("dd", {class: "line"}, spark(line)) : null)
  ));
}

// Filters that a card does not follow are named on it; the page sets them before it draws.
let narrowed = [];
const opened = new Set();

/**
 * A card: a title, how to read it, a chart drawn to the card's width, and the numbers behind it.
 * Without rows it shows `empty` instead; `body` replaces the chart; `follows` names the filters that change it.
 */
function card({title, how, rows, draw, body, columns, wide = false, empty = "Nothing to show here.", table = "details", tall = false, follows = [], note, legend: entries}) {
  const parts = [];
  const ignored = narrowed.filter(({name}) => !follows.includes(name)).map(({says}) => says);
  if (ignored.length) parts.push(paragraph(ignored.join(" "), "unfiltered"));
  if (!rows.length) parts.push(paragraph(empty, "empty"));
  else {
    if (body) parts.push(body);
    const keys = entries?.length ? element("ul", {class: "legend"}, entries.map(([name, colour]) => element("li", {}, element("span", {class: "swatch", style: `background:${colour}`}), name))) : null;
    if (draw) {
      const frame = element("div", {class: "chart", role: "img", "aria-label": `${title}. ${how}${columns ? " The numbers follow as a table." : ""}`});
      parts.push(keys, frame);
      const redraw = () => {
        const chart = draw(Math.max(frame.clientWidth || 640, 240));
        // The frame has a text for all of the chart; its parts say nothing to a screen reader.
        for (const part of [chart, ...chart.querySelectorAll("[aria-label]")]) part.removeAttribute("aria-label");
        frame.replaceChildren(chart);
        // What scrolls can be scrolled with the keyboard.
        frame.tabIndex = frame.scrollWidth > frame.clientWidth ? 0 : -1;
      };
      drawings.push({frame, redraw});
    }
    const known = rows.filter((row) => !row.is_hidden);
    const bar = element("div", {class: "saves"},
      columns && known.length ? save("CSV", `${fileName(title)}.csv`, columns.map(({key}) => key), known, `Save the numbers of ${title} as CSV`) : null,
      draw ? element("button", {type: "button", "aria-label": `Save the chart ${title} as PNG`, onclick: (event) => savePicture(event.target.closest("figure"), title, entries ?? [])}, "PNG") : null);
    if (columns && table === "details") {
      const details = element("details", {open: opened.has(title)}, element("summary", {}, "The numbers"));
      // Filled when opened, because most readers only look at the chart.
      const fill = () => details.childElementCount === 1 && details.append(numbers(rows, columns, {title}));
      if (details.open) fill();
      details.addEventListener("toggle", () => { opened[details.open ? "add" : "delete"](title); fill(); });
      parts.push(details);
    } else if (columns) parts.push(numbers(rows, columns, {title, tall}));
    if (note) parts.push(paragraph(note, "how"));
    if (bar.childElementCount) parts.push(bar);
  }
  return element("figure", {class: wide ? "card wide" : "card"}, element("h2", {}, title), paragraph(how, "how"), parts.filter(Boolean));
}
const fileName = (title) => title.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "");

/**
 * A table of rows: columns of `{key, label, format, bar, swatch, href}`; `bar` draws the share of the column's largest value.
 * A hidden row says so in its first figure and shows nothing else. Clicking a heading sorts.
 */
function numbers(rows, columns, {limit = 500, title = "Table", tall = false} = {}) {
  const largest = Object.fromEntries(columns.filter((column) => column.bar).map(({key}) => [key, Math.max(0, ...rows.map((row) => Math.abs(row[key] ?? 0)))]));
  const isNumber = Object.fromEntries(columns.map(({key}) => [key, rows.some((row) => typeof row[key] === "number")]));
  // Long texts in a narrow column would make rows as high as a screen; a table scrolls sideways instead.
  const isLong = Object.fromEntries(columns.map(({key}) => [key, rows.some((row) => String(row[key] ?? "").length > 60)]));
  const body = element("tbody");
  const fill = (ordered) => body.replaceChildren(...ordered.slice(0, limit).map((row) => {
    let told = false;
    return element("tr", {class: row.is_rest ? "rest" : null}, columns.map(({key, format = (value) => value ?? NONE, bar, swatch, href}) => {
      if (row.is_hidden && row[key] === null) {
        const text = told ? "" : show.hidden;
        told = true;
        return element("td", {class: isNumber[key] ? "number hidden" : "hidden"}, text);
      }
      const share = bar && largest[key] ? `--share:${(100 * Math.abs(row[key] ?? 0)) / largest[key]}%` : null;
      const address = href?.(row);
      const text = format(row[key], row);
      return element("td", {class: `${isNumber[key] ? "number" : isLong[key] ? "text long" : "text"}${bar ? " bar" : ""}`, style: share},
        swatch ? element("span", {class: "swatch", style: `background:${swatch(row)}`}) : null, address ? anchor(text, address) : text);
    }));
  }));
  let sorted = null, direction = 1;
  const heads = columns.map(({key, label}) => {
    const arrow = element("span", {class: "arrow", "aria-hidden": "true"}, "↕");
    const head = element("th", {class: isNumber[key] ? "number" : null, scope: "col"}, element("button", {type: "button", onclick: () => {
      direction = sorted === key ? -direction : isNumber[key] ? -1 : 1;
      sorted = key;
      for (const one of heads) { one.removeAttribute("aria-sort"); one.querySelector(".arrow").textContent = "↕"; }
      head.setAttribute("aria-sort", direction > 0 ? "ascending" : "descending");
      arrow.textContent = direction > 0 ? "↑" : "↓";
      fill([...rows].sort((a, b) => direction * compare(a[key], b[key])));
    }}, label, arrow));
    return head;
  });
  fill(rows);
  return element("div", {}, element("div", {class: tall ? "scroll tall" : "scroll", tabindex: 0, role: "region", "aria-label": `${title}, table`},
    element("table", {class: "numbers"}, element("thead", {}, element("tr", {}, heads)), body)),
  rows.length > limit ? paragraph(`The first ${limit} of ${show.count(rows.length)} rows; the CSV has all.`, "how") : null);
}
function compare(a, b) {
  if (a === b) return 0;
  if (!given(a)) return 1;
  if (!given(b)) return -1;
  return a < b ? -1 : 1;
}

function saveFile(file, blob) {
  const address = URL.createObjectURL(blob);
  element("a", {href: address, download: file}).click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}
/** A button that saves rows as CSV; `rows` may be a function that is called on a click. */
function save(label, file, columns, rows, says) {
  return element("button", {type: "button", "aria-label": says, onclick: async () => {
    const found = typeof rows === "function" ? await rows() : rows;
    if (found) saveFile(file, new Blob(["\ufeff" + csv(found, columns)], {type: "text/csv;charset=utf-8"}));
  }}, label);
}
/** Save a card's chart as a picture on white, with its title and legend. */
async function savePicture(figure, title, entries) {
  const svg = figure.querySelector(".chart svg");
  const {width, height} = svg.getBoundingClientRect();
  const copy = svg.cloneNode(true);
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("width", width);
  copy.setAttribute("height", height);
  copy.style.cssText = "background:#fff;color:#111;font:12px sans-serif;--plot-background:#fff";
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(new XMLSerializer().serializeToString(copy))}`;
  await image.decode();
  const rows = [[]];
  let right = 10;
  const canvas = element("canvas");
  const pen = canvas.getContext("2d");
  pen.font = "12px sans-serif";
  for (const [name, colour] of entries) {
    const space = pen.measureText(name).width + 34;
    if (right + space > width && rows.at(-1).length) { rows.push([]); right = 10; }
    rows.at(-1).push([name, colour, right]);
    right += space;
  }
  const above = 34 + (entries.length ? 18 * rows.length : 0);
  canvas.width = 2 * width;
  canvas.height = 2 * (height + above);
  pen.scale(2, 2);
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, width, height + above);
  pen.fillStyle = "#111";
  pen.font = "bold 15px sans-serif";
  pen.fillText(title, 10, 22);
  pen.font = "12px sans-serif";
  rows.forEach((line, i) => line.forEach(([name, colour, x]) => {
    pen.fillStyle = colour;
    pen.fillRect(x, 34 + 18 * i, 10, 10);
    pen.fillStyle = "#111";
    pen.fillText(name, x + 16, 43 + 18 * i);
  }));
  pen.drawImage(image, 0, above, width, height);
  canvas.toBlob((blob) => saveFile(`${fileName(title)}.png`, blob), "image/png");
}

// Filters: what a page can be asked. Each keeps its value in the address.
const select = (name, label, options, more = {}) => ({kind: "select", name, label, options, ...more});
const toggle = (name, label, initial = false) => ({kind: "toggle", name, label, initial});
const textField = (name, label, placeholder) => ({kind: "text", name, label, placeholder});

/** The values of filters as the address has them; what the page does not offer falls back to the first option. */
function valuesOf(filters) {
  return Object.fromEntries(filters.map(({kind, name, options, initial}) => {
    const asked = state.get(name);
    if (kind === "select") return [name, options.some(([value]) => String(value) === asked) ? asked : String(initial ?? options[0]?.[0] ?? "")];
    if (kind === "toggle") return [name, asked === null ? initial : asked === "yes"];
    return [name, asked ?? ""];
  }));
}
function setFilter(filter, value) {
  const first = filter.kind === "select" ? String(filter.initial ?? filter.options[0]?.[0] ?? "") : filter.kind === "toggle" ? (filter.initial ? "yes" : "no") : "";
  const next = state.address({[filter.name]: value === first ? null : value});
  // A search is one step back, not one for each letter.
  if (filter.kind === "text") { history.replaceState(null, "", next); render(); } else location.hash = next;
}
function control(filter, value) {
  const id = `filter-${filter.name}`;
  if (filter.kind === "toggle") return element("label", {class: "filter"}, element("input", {id, type: "checkbox", onchange: (event) => setFilter(controls.get(filter.name).filter, event.target.checked ? "yes" : "no")}), filter.label);
  const input = filter.kind === "text"
    ? element("input", {id, type: "search", placeholder: filter.placeholder, oninput: (event) => setFilter(controls.get(filter.name).filter, event.target.value)})
    : element("select", {id, onchange: (event) => setFilter(controls.get(filter.name).filter, event.target.value)});
  return element("div", {class: "filter"}, element("label", {for: id}, filter.label), input);
}
const controls = new Map();
/** Bring the controls up to the filters and their values; a control that stays keeps its focus. */
function updateControls(filters, values) {
  const bar = document.getElementById("filters");
  for (const filter of filters) {
    if (!controls.has(filter.name)) {
      const node = control(filter, values[filter.name]);
      controls.set(filter.name, {node, filter});
    }
    const one = controls.get(filter.name);
    one.filter = filter;
    const input = one.node.querySelector("select, input");
    if (filter.kind === "select") {
      const wanted = JSON.stringify(filter.options);
      if (one.options !== wanted) {
        one.options = wanted;
        input.replaceChildren(...filter.options.map(([value, label]) => element("option", {value}, label)));
      }
      input.value = values[filter.name];
    } else if (filter.kind === "toggle") input.checked = values[filter.name];
    else if (input.value !== values[filter.name]) input.value = values[filter.name];
  }
  const nodes = filters.map(({name}) => controls.get(name).node);
  if (nodes.length !== bar.childElementCount || nodes.some((node, i) => bar.children[i] !== node)) bar.replaceChildren(...nodes);
  bar.hidden = !nodes.length;
}

const pages = {};
let drawings = [];
// Paper does not scroll: what is wider than a phone is drawn to its width there.
let onPaper = false;
// Filters that mean the same on every page: links carry them.
const SHARED = ["place", "by", "segment", "horizon"];

/** Draw the page for what its address says. */
function render() {
  const {filters: wanted = () => [], draw} = pages[about.page];
  // A filter may depend on another one: its options are found with the values so far.
  let values = {};
  const filters = [];
  for (const filter of wanted(() => values)) {
    const one = typeof filter === "function" ? filter(values) : filter;
    if (one.kind === "select" && one.options.length < 2 && one.optional !== false) { values = {...values, [one.name]: String(one.options[0]?.[0] ?? "")}; continue; }
    filters.push(one);
    values = {...values, ...valuesOf([one])};
  }
  updateControls(filters, values);
  narrowed = filters.filter(({name, says, options}) => says && values[name] !== String(options[0][0])).map(({name, says}) => ({name, says}));
  drawings = [];
  const parts = draw(values).flat().filter(Boolean);
  // A link may bring the country to a page that has none.
  if (state.get("place") && !filters.some(({name}) => name === "place")) parts.unshift(paragraph(`This page is not divided by country: it covers all, not only ${state.get("place")}.`, "unfiltered"));
  document.getElementById("content").replaceChildren(...parts);
  for (const {redraw} of drawings) redraw();
  const carried = Object.fromEntries(SHARED.map((name) => [name, state.get(name)]));
  for (const link of document.querySelectorAll("nav a")) link.href = state.address(carried, link.dataset.page);
  document.documentElement.dataset.ready = location.hash || "#";
}
let timer, drawnAt = 0;
function resized() {
  clearTimeout(timer);
  timer = setTimeout(() => {
    if (drawnAt === innerWidth) return;
    drawnAt = innerWidth;
    for (const {redraw} of drawings) redraw();
  }, 100);
}
/** Called once, by the last script. */
function start() {
  drawnAt = innerWidth;
  addEventListener("hashchange", render);
  addEventListener("resize", resized);
  // Paper has another width than the window, and every table belongs on it.
  const fitPaper = (width) => { onPaper = Boolean(width); for (const {frame, redraw} of drawings) { frame.style.maxWidth = width; redraw(); } };
  addEventListener("beforeprint", () => fitPaper("680px"));
  addEventListener("afterprint", () => fitPaper(""));
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    document.querySelector("main").focus();
  });
  // On a phone the pages stand in one line that scrolls.
  const here = document.querySelector("nav a[aria-current]");
  here.closest("ul").scrollLeft = here.offsetLeft - 16;
  render();
}
/** The main download of a page. */
function saveMain(label, file, columns, rows) {
  const button = save(label, file, columns, rows);
  button.className = "main-button";
  return button;
}
