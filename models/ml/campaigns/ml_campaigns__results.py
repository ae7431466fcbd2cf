"""Effects of campaigns with their intervals, checks and verdicts, from sums."""

from clientele.frames import as_table, collect
from clientele.libraries import load


def model(dbt, session):
    # Not when the package is imported: the command line, which needs no SciPy, is in it too.
    load("scipy.special")
    from clientele.campaigns.results import (
        CELL_KEY,
        RESULT_TYPES,
        STRATUM_KEY,
        campaign_results,
    )

    days = collect(dbt.ref("int_as_of_dates"), key="period_number")
    results = campaign_results(
        collect(dbt.ref("feat_campaign_cells"), key=CELL_KEY).reset_index(),
        collect(dbt.ref("feat_campaign_strata"), key=STRATUM_KEY).reset_index(),
        as_of_date=days.loc[0, "as_of_date"],
        **dbt.config.meta_get("params"),
    )
    return as_table(session, results, RESULT_TYPES)
