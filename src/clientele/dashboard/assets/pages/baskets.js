pages.baskets = {
  filters: () => [
    select("segment", "Bought by", [["all", "All customers"], ...rowsOf("scopes").filter((d) => d.scope !== "all").map((d) => [d.scope, d.scope_name])]),
    select("level", "Level", [...new Set(rowsOf("runs").map((d) => d.item_level))].sort((a, b) => (b === "product") - (a === "product")).map((name) => [name, words(name)])),
    textField("search", "Search", "a product or category"),
    select("lift", "Lift at least", [["0", "any"], ["1", "1"], ["2", "2"], ["5", "5"], ["10", "10"], ["20", "20"]]),
    toggle("acting", "Only rules worth acting on", true),
    toggle("bundles", "One rule per bundle", true)
  ],
  draw({segment: scope, level, search, lift, acting, bundles}) {
    const run = rowsOf("runs").find((d) => d.scope === scope && d.item_level === level);
    const ofRun = rowsOf("rules").filter((d) => d.scope === scope && d.item_level === level);
    const matching = ofRun.filter((d) => !d.is_hidden && d.lift >= +lift && (!acting || (d.is_significant && !d.is_redundant)) && `${d.antecedent}, ${d.consequent}`.toLowerCase().includes(search.trim().toLowerCase()));
    // Rules of the same few items say the same thing many times: the strongest speaks for its bundle.
    const sizes = new Map();
    for (const d of matching) sizes.set(d.bundle, (sizes.get(d.bundle) ?? 0) + 1);
    const leading = matching.filter((d, i) => matching.findIndex((other) => other.bundle === d.bundle) === i).map((d) => ({...d, bundle_size: sizes.get(d.bundle) - 1}));
    const rows = bundles ? leading : matching;
    const empty = "No rule passes the filters. Lower the lift, or show all rules.";
    return [run ? tiles([
      {label: "Rules found", value: show.count(run.rule_count), note: `in ${show.count(run.basket_count)} baskets`},
      {label: "Worth acting on", value: show.count(run.actionable_rule_count), note: "significant, and no shorter rule is as good"},
      {label: "Replicated", value: run.tested_rule_count ? show.share(run.replicated_rule_count / run.tested_rule_count) : NONE, note: run.tested_rule_count ? `of ${show.count(run.tested_rule_count)} earlier rules had a lift above 1 in later baskets` : "no earlier rule to test"},
      {label: "Pass the filters", value: show.count(matching.length), note: `in ${show.count(leading.length)} bundles${run.rule_count > ofRun.length ? `; this page holds the ${ofRun.length} strongest` : ""}`}
    ]) : null, grid(
      card({
        title: "Rules", how: `Customers who buy the first item also buy the second, more often than by chance by the factor of the lift.${bundles ? " Of each bundle of items only its strongest rule stands here." : ""} “Later lift” is the lift in later baskets, which were not used to find the rule.`, rows, wide: true, table: "open", tall: true, empty, follows: ["segment"],
        columns: [{key: "antecedent", label: "Customers who buy"}, {key: "consequent", label: "also buys"}, ...(bundles ? [{key: "bundle_size", label: "Further rules", format: show.count}] : []), {key: "lift", label: "Lift", format: show.times, bar: true}, {key: "lift_lower", label: "Lift, lower bound", format: show.times}, {key: "confidence", label: "Confidence", format: show.share}, {key: "support", label: "Support", format: show.share}, {key: "order_count", label: "Baskets", format: show.count}, {key: "customer_count", label: "Customers", format: show.count}, {key: "holdout_lift", label: "Later lift", format: show.times}]
      }),
      card({title: "The strongest bundles", how: "The strongest rule of each bundle. The bar is the range in which its lift lies with 95 % confidence.", rows: leading.slice(0, 12), empty, follows: ["segment"], draw: (width) => ruleRanges(leading.slice(0, 12), width), wide: true}),
      card({
        title: "Support and lift", how: "Each dot is a rule. Dots to the right occur in more baskets, higher dots have a higher lift, and larger dots a higher confidence. Below the dashed line, products sell together less often than by chance.",
        rows: matching, wide: true, empty, follows: ["segment"], legend: VERDICTS, draw: (width) => rulesScatter(matching, width)
      })),
    element("p", {}, saveMain("Download these rules (CSV)", "rules.csv", ["antecedent", "consequent", "lift", "lift_lower", "lift_upper", "confidence", "support", "order_count", "customer_count", "holdout_lift", "is_significant", "is_redundant"], matching))];
  }
};
