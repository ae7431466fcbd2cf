pages.cohorts = {
  filters: () => [
    select("measure", "Show", [["retention", "Customers who bought"], ["per_customer", "Revenue per customer of the cohort"]]),
    select("place", "Country", places(rowsOf("curve").map((d) => ({...d, customer_count: d.cohort_size}))), {says: "Covers all countries: by country, most cohorts have too few customers."})
  ],
  draw({measure, place}) {
    const unit = rowsOf("unit")[0]?.unit === "quarter" ? "Quarter" : "Month";
    const name = (date) => (unit === "Month" ? show.month(date) : `Q${1 + Math.floor(date.getUTCMonth() / 3)} ${date.getUTCFullYear()}`);
    const rows = rowsOf("cohorts");
    const sizes = new Map(rows.filter((d) => d.age === 0).map((d) => [+d.cohort_date, d.customer_count]));
    const later = rows.filter((d) => d.age > 0).map((d) => {
      const size = sizes.get(+d.cohort_date);
      const known = Boolean(size) && given(d.customer_count);
      return {...d, cohort_size: size ?? null, retention: known ? d.customer_count / size : null, per_customer: known ? d.net_amount / size : null, is_hidden: !known};
    });
    const start = rows.find((d) => d.is_truncated)?.cohort_date;
    const called = (date) => name(date) + (start && +date === +start ? " *" : "");
    const format = measure === "retention" ? (value) => (given(value) ? show.shareShort(value) : NONE) : show.moneyShort;
    const curve = rowsOf("curve").filter((d) => d.place === place).map((d) => ({...d, retention: given(d.customer_count) ? d.customer_count / d.cohort_size : null, is_thin: d.cohort_count < 3}));
    const lines = place === ALL ? later.filter((d) => !d.is_truncated) : [];
    const marked = start ? `* ${name(start)} is where the data begins. Its customers are not new: most bought before. It is in no mean.` : "";
    const hidden = later.some((d) => d.is_hidden);
    return [grid(
      card({
        title: "Cohort by cohort", how: `Each row is a cohort: the customers of one ${unit.toLowerCase()} of first purchases. In brighter cells more of the cohort came back. A bright diagonal is a season; a row that fades shows a cohort that leaves.`, rows: later, wide: true,
        empty: "No cohort is old enough and large enough to be shown.", draw: (width) => cohortTriangle(later, width, {measure, format, name: called, unit: `${unit}s`}),
        note: `${marked} ${hidden ? "A grey cell with a dot is not shown. " : ""}A ${unit.toLowerCase()} that is not over is left out.`,
        columns: [{key: "cohort_date", label: "First bought", format: called}, {key: "age", label: `${unit}s since`}, {key: "cohort_size", label: "Cohort", format: show.count}, {key: "customer_count", label: "Bought", format: show.count}, {key: "retention", label: "Share", format: show.share, bar: true}, {key: "net_amount", label: "Revenue", format: show.money}]
      }),
      card({
        title: "Retention", how: `The thick line is the share of customers who bought again, over all cohorts that are old enough. Thin lines are single cohorts. Hollow dots rest on one or two cohorts: do not read a trend into them.`, rows: curve, wide: true, follows: ["place"],
        empty: "No cohort is old enough and large enough to be shown.", draw: (width) => retentionCurves(lines, curve, width, {unit}),
        columns: [{key: "age", label: `${unit}s since`}, {key: "cohort_count", label: "Cohorts"}, {key: "cohort_size", label: "Customers", format: show.count}, {key: "customer_count", label: "Bought", format: show.count}, {key: "retention", label: "Bought again", format: show.share, bar: true}]
      })), hidden ? paragraph(WHY, "how") : null];
  }
};
