"""When a fit of topics and sentiment is due, and which one is in force."""

import datetime
import json

import pandas as pd

from clientele.fits import code_version, reason_to_fit

FIT_TYPES = {
    "source_name": "string",
    "version": "int",
    "as_of_date": "date",
    "part": "string",
    "name": "string",
    "topic_number": "int",
    "value": "double",
    "label": "string",
}
# Reviews per reviews of the fit from which a refit is due, whatever its age.
GROWN = 2.0


def due(
    before: pd.DataFrame,
    *,
    source_name: str,
    as_of_date: datetime.date,
    review_count: int,
    configuration: dict,
    refit: bool,
    refit_days: int | None,
) -> str | None:
    """Return why a fit is due on a day, or None if the version in force is kept.

    ``before`` has the rows of all versions with the part `version`. In force is the latest version
    of the source that was fitted by ``as_of_date``.
    """
    own = in_force(before, source_name, as_of_date)
    if own.empty:
        return "nothing kept"
    said = own[own["part"] == "version"].set_index("name")
    now = fitted_on(configuration)
    if said.loc["fitted_on", "label"] != now:
        return reason_to_fit(said.loc["fitted_on", "label"], now)
    age = (pd.Timestamp(as_of_date) - pd.Timestamp(own["as_of_date"].iloc[0])).days
    if refit:
        return "reviews_refit is true"
    if refit_days is not None and age >= refit_days:
        return f"{age} days old"
    if review_count > GROWN * said.loc["review_count", "value"]:
        return f"{review_count:,} reviews, {said.loc['review_count', 'value']:,.0f} at the last fit"
    return None


def in_force(before: pd.DataFrame, source_name: str, as_of_date) -> pd.DataFrame:
    """Return the rows of a source's latest version that was fitted by a day; none without one."""
    day = pd.to_datetime(before["as_of_date"])
    own = before[(before["source_name"] == source_name) & (day <= pd.Timestamp(as_of_date))]
    if own.empty:
        return own
    last = own.sort_values(["as_of_date", "version"]).iloc[-1]["version"]
    return own[own["version"] == last]


def fitted_on(configuration: dict) -> str:
    """Return what decides a fit besides the reviews, as JSON: the code and the settings."""
    now = {"code": code_version("clientele.reviews"), "configuration": configuration}
    return json.dumps(now, sort_keys=True)
