"""What a publication changes in the segments that readers saw before."""

from pathlib import Path

# Columns of `publication_segment_changes`: types and meanings.
SEGMENT_CHANGES = {
    "segmentation": ("varchar", "Segmentation of the segment"),
    "segment_key": ("varchar", "Key of the segment; only equal keys are compared"),
    "status": (
        "varchar",
        "kept if both publications have the segment; new or retired if one of them has",
    ),
    "segment_name": ("varchar", "Its name now, or its last name if it is retired"),
    "previous_segment_name": ("varchar", "Its name in the publication before; null if it is new"),
    "as_of_date": ("date", "The day that this publication treats as today"),
    "previous_as_of_date": ("date", "The day that the publication before treated as today"),
    "customer_count": ("integer", "Customers in the segment now; 0 if it is retired"),
    "previous_customer_count": ("integer", "Customers in it before; 0 if it is new"),
    "kept_customer_count": ("integer", "Customers in it both times"),
    "is_refitted": ("boolean", "Whether the two publications use different fits"),
    "change_reason": (
        "varchar",
        "Which fit replaced which and why, in words; null if the fit is the same",
    ),
}
# Columns of the publication before that are read.
NEEDED = {
    ("publications", "source_name"),
    *(("fct_segment_memberships", name) for name in ("customer_id", "segment_key", "is_current")),
    *(
        ("dim_segments", name)
        for name in ("segmentation", "segment_key", "segment_name", "as_of_date", "customer_count")
    ),
    *(
        ("fct_segmentation_versions", name)
        for name in ("version", "as_of_date", "method", "feature_set", "is_in_force")
    ),
}
# Words for the measures of `rpt_segmentation_drift`.
REASONS = {
    "nothing_in_force": "nothing was fitted up to that day",
    "refit_flag": "it was asked for",
    "configuration_changed": "settings changed",
    "age_days": "the fit was old",
    "far_share": "many customers were far from their segments",
    "psi_": "drift of ",
}
# RFM groups are not fitted.
FITS = """
    select segmentation, version, as_of_date, refit_reason, reason, is_in_force,
        concat_ws('|', version, as_of_date, method, feature_set, segment_count) as fit
    from {}.marts.fct_segmentation_versions
    union all
    select distinct segmentation, 1, null::date, null, null, true, 'rfm'
    from {}.marts.dim_segments where segmentation = 'rfm'
"""
ROWS = f"""
    with fits as ({FITS.format("warehouse", "warehouse")}),
    earlier_fits as ({FITS.format("replaced", "replaced")}),
    -- Keys are comparable if the new warehouse knows the earlier fit, or the earlier one the new
    -- fit: another warehouse has its own numbers.
    compared as (
        select
            segmentation,
            fits.fit, fits.as_of_date, fits.refit_reason, fits.reason,
            earlier.fit as earlier_fit, earlier.as_of_date as earlier_as_of_date,
            fits.fit is distinct from earlier.fit as is_refitted,
            (segmentation, fits.fit) in (select segmentation, fit from earlier_fits) as was_known,
            (segmentation, fits.fit) in (select segmentation, fit from earlier_fits)
            or (segmentation, earlier.fit) in (select segmentation, fit from fits) as is_comparable
        from (from fits where is_in_force) as fits
        full join (from earlier_fits where is_in_force) as earlier using (segmentation)
    ),
    now as (from warehouse.marts.dim_segments),
    before as (
        select dim_segments.*,
            case when is_comparable then segment_key end as comparable_key
        from replaced.marts.dim_segments join compared using (segmentation)
    ),
    members as (
        select m.segmentation, m.segment_key, count(*) as kept_customer_count
        from warehouse.marts.fct_segment_memberships as m
        join replaced.marts.fct_segment_memberships as r
            using (segmentation, segment_key, customer_id)
        where m.is_current and r.is_current
        group by all
    )
    select
        compared.segmentation,
        coalesce(now.segment_key, before.segment_key) as segment_key,
        case
            when before.segment_key is null then 'new'
            when now.segment_key is null then 'retired'
            else 'kept'
        end as status,
        coalesce(now.segment_name, before.segment_name),
        before.segment_name,
        (select max(as_of_date) from now),
        (select max(as_of_date) from before),
        coalesce(now.customer_count, 0),
        coalesce(before.customer_count, 0),
        case
            when now.segment_key is null or before.segment_key is null then 0
            else coalesce(members.kept_customer_count, 0)
        end,
        compared.is_refitted,
        case
            when not compared.is_refitted then null
            when fit is null then 'No fit is in force any more'
            when earlier_fit is null
                then concat('First fitted on the customers of ', compared.as_of_date)
            when not is_comparable then concat(
                'Fitted again on the customers of ', compared.as_of_date,
                ' in a warehouse that does not know the fit before: no segment can be compared'
            )
            when was_known then concat(
                'The fit of ', compared.as_of_date, ' is in force again instead of that of ',
                earlier_as_of_date, ', because it is the latest up to the as-of date'
            )
            else concat(
                'Refitted on the customers of ', compared.as_of_date, ' (', refit_reason, '); ',
                reason
            )
        end as change_reason
    from now
    full join before
        on now.segmentation = before.segmentation and now.segment_key = before.comparable_key
    join compared on compared.segmentation = coalesce(now.segmentation, before.segmentation)
    left join members
        on members.segmentation = compared.segmentation and members.segment_key = now.segment_key
    order by compared.segmentation, segment_key, status
"""


def segment_changes(run, replaced: Path | None, source_name: str) -> list[tuple]:
    """Return the rows of `publication_segment_changes`.

    ``run`` executes SQL on a connection that has the new marts attached as ``warehouse``;
    ``replaced`` is the database of the publication before. There are no rows without one, if it
    is of another source, or if it is of a version of the project whose segments differ in shape.
    """
    if replaced is None or not replaced.is_file():
        return []
    path = str(replaced).replace("'", "''")
    run(f"attach '{path}' as replaced (read_only)")
    try:
        has = run(
            "select table_name, column_name from duckdb_columns() "
            "where database_name = 'replaced' and schema_name = 'marts'"
        )
        if not NEEDED <= set(has.fetchall()):
            return []
        source = run("select source_name from replaced.marts.publications").fetchall()[0][0]
        rows = run(ROWS).fetchall() if source == source_name else []
        return [(*row[:-1], _in_words(row[-1])) for row in rows]
    finally:
        run("detach replaced")


def _in_words(reason: str | None) -> str | None:
    for measure, text in REASONS.items():
        reason = reason and reason.replace(measure, text)
    return reason
