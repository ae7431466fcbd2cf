// Colours that colour-blind readers can distinguish: Okabe and Ito's, then Tol's muted ones (see docs/dashboard.md).
const QUALITATIVE = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#aa4499", "#999933", "#44aa99", "#cc6677", "#888888"];

/** A colour for each key, in their order; keys beyond the palette are grey. */
export function colours(keys) {
  return new Map([...new Set(keys)].map((key, i) => [key, QUALITATIVE[Math.min(i, QUALITATIVE.length - 1)]]));
}

export const blue = QUALITATIVE[0];
export const orange = QUALITATIVE[1];
export const green = QUALITATIVE[2];
/** From low to high, the same in light and dark mode. */
export const sequential = "viridis";
/** The text colour on a cell of the sequential scheme, by its position: 0 is dark, 1 is light. */
export const on = (position) => (position > 0.6 ? "#111" : "#fff");
