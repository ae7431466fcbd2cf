pages.quality = {
  draw() {
    const lines = rowsOf("lines").filter((d) => d.row_count !== 0).map((d) => ({...d, name: d.reason.split("; ").map(words).join("; ")}));
    const accepted = lines.find((d) => d.reason === "accepted");
    const [total] = rowsOf("all_lines");
    const raised = rowsOf("warnings").filter((d) => d.is_raised);
    const scope = (key) => (key === "all" ? "All customers" : segmentName(key));
    return [total ? tiles([
      {label: "Raw lines", value: show.count(total.row_count), note: "in the source"},
      {label: "Accepted", value: accepted?.row_count ? show.share(accepted.row_count / total.row_count) : NONE, note: `${show.count(accepted?.row_count)} lines`},
      {label: "Rejected", value: show.count(total.rejected_count), note: "lines, each with its reason below"},
      {label: "Warnings on forecasts", value: show.count(raised.length), note: raised.length ? "see below" : "every check passed"}
    ]) : null, grid(
      card({
        title: "What happened to every line", how: "Every raw line counts in exactly one row of this table, in lines and in money. Fix errors in the system that exports the data.", rows: lines, wide: true, table: "open", empty: "There are no raw lines.",
        columns: [{key: "name", label: "Reason"}, {key: "severity", label: "Severity"}, {key: "row_count", label: "Lines", format: show.count, bar: true}, {key: "amount", label: "Amount", format: show.moneyExact}, {key: "meaning", label: "Meaning"}]
      }),
      card({
        title: "Forecasts on past days", how: "Means of the published model over the past days on which it was tested; a mean may hide errors that cancel, so Value shows every day. A Gini near 1 and a bias near 0 are good, and about 80 % of customers should fall within the 80 % range.",
        rows: rowsOf("forecasts"), wide: true, table: "open", empty: "The history is too short to test forecasts.",
        columns: [{key: "target", label: "Forecast of", format: words}, {key: "horizon_days", label: "Days ahead", href: (d) => state.address({horizon: d.horizon_days}, "value.html")}, {key: "model", label: "Model", format: words}, {key: "cutoff_count", label: "Days tested", format: show.count}, {key: "customer_count", label: "Customers, minimum", format: show.count}, {key: "normalised_gini", label: "Gini", format: show.decimal, bar: true}, {key: "bias", label: "Bias", format: show.share}, {key: "mae", label: "Mean absolute error", format: show.decimal}, {key: "coverage_80", label: "In 80 % range", format: show.share}]
      }),
      card({
        title: "Checks of the forecasts", how: "Each check compares a measured value with its threshold, at each horizon. Raised checks come first.", rows: rowsOf("warnings"), wide: true, table: "open", empty: "No checks were made.",
        columns: [{key: "is_raised", label: "Raised", format: show.yes}, {key: "check_name", label: "Check", format: words}, {key: "horizon_days", label: "Days ahead"}, {key: "severity", label: "Severity"}, {key: "measured", label: "Measured", format: show.decimal}, {key: "threshold", label: "Threshold", format: show.decimal}, {key: "meaning", label: "Meaning"}]
      }),
      card({
        title: "Recommendations on past days", how: "The share of customers with a new product since then who bought one of the products that would have been offered.", rows: rowsOf("lists"), wide: true, table: "open", empty: "The history is too short to test recommendations.",
        columns: [{key: "method", label: "Method", format: words}, {key: "k", label: "Products"}, {key: "customer_count", label: "Customers", format: show.count}, {key: "hit_rate", label: "Bought one", format: show.share, bar: true}, {key: "hit_rate_gain", label: "Gain over best sellers", format: (value) => show.change(value, show.share)}]
      }),
      card({
        title: "Rules on later baskets", how: "How many of the rules found in earlier baskets had a lift above 1 in later baskets. Near 100 %, the rules were not chance.", rows: rowsOf("rules"), wide: true, table: "open", empty: "No rules were mined.",
        columns: [{key: "scope", label: "Bought by", format: scope}, {key: "item_level", label: "Level", format: words}, {key: "tested_rule_count", label: "Tested", format: show.count}, {key: "replicated_rule_count", label: "Replicated", format: show.count}, {key: "replicated_share", label: "Share", format: show.share, bar: true}]
      }),
      card({
        title: "Have customers drifted from their segments?", how: "Measures of change since the segments were fitted. If one exceeds its threshold, the next build refits.", rows: rowsOf("drift"), wide: true, table: "open", empty: "Drift is measured from the second build on.",
        columns: [{key: "measure", label: "Measure", format: words}, {key: "value", label: "Measured", format: show.decimal}, {key: "threshold", label: "Threshold", format: show.decimal}, {key: "is_exceeded", label: "Exceeded", format: show.yes}]
      }),
      card({
        title: "Versions of the segments", how: "Each fit, its reason, and whether it was promoted or refused. Agreement is the share of customers who kept their segment.", rows: rowsOf("versions"), wide: true, table: "open", empty: "Nothing was fitted.",
        columns: [{key: "segmentation", label: "Segments by", format: (key) => segmentations([{segmentation: key}])[0][1]}, {key: "version", label: "Version"}, {key: "as_of_date", label: "As of", format: show.date}, {key: "method", label: "Method", format: words}, {key: "segment_count", label: "Segments"}, {key: "agreement", label: "Agreement", format: show.share}, {key: "is_in_force", label: "In force", format: show.yes}, {key: "reason", label: "Why"}]
      }))];
  }
};
