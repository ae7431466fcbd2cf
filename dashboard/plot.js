// What the pages use of the chart library; everything else is left out of the bundle.
export {barX, barY, cell, dot, line, lineY, plot, rectY, ruleX, ruleY, text} from "@observablehq/plot";
export {hierarchy, treemap} from "d3-hierarchy";
export {sankey, sankeyLinkHorizontal} from "d3-sankey";
