"""Export an audience: a record of who is in it, in which arm, and a list of those to contact.

The record is what counts. It is renamed into place first and the list last: if the process is
killed between the two, the next export finds the record and writes the list from it.
"""

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb

from clientele.campaigns.audiences import CONSENT
from clientele.campaigns.members import Audiences, quoted
from clientele.campaigns.records import PLANNED
from clientele.locks import exclusive
from clientele.publishing.copies import sync

# Below this, the arms' sizes are no accident.
LEAST_P = 0.001
# What a mail tool's import may want of a customer, of the columns that conditions may read. A
# source's attributes may bring more.
FIELDS = [
    "email",
    "segment_name",
    "rfm_group",
    "acquisition_country",
    "last_order_date",
    "expected_order_date",
    "next_product_id",
    "next_product",
    "next_product_reason",
]


@dataclass(frozen=True)
class Export:
    """What `export` did: the campaign, its customers by arm, and what was written."""

    campaign_id: str
    treated: int
    control: int
    p_value: float | None
    is_new: bool
    wrote_file: bool


def export(
    audiences: Audiences,
    name: str,
    file: Path,
    *,
    file_format: str | None = None,
    force: bool = False,
) -> Export:
    """Record who is in the audience ``name`` now, and write the treated into ``file``.

    A second export of the same audience and as-of date records nothing new unless ``force``. It
    writes the list of the first one if ``file`` is not there.

    Args:
        audiences: Audiences on a publication.
        name: One of them.
        file: A new file.
        file_format: csv or parquet; None is what the name of ``file`` ends with.
        force: Record another campaign on the same day, replace ``file``, accept arms whose sizes
            do not fit the planned share.

    Raises:
        ValueError: no such audience, no one in it, ``file`` exists or has no known ending, or the
            arms' sizes do not fit.
        OSError: a file cannot be written. There is then neither a new record nor a new list.
    """
    audience = audiences.named(name)
    file_format = file_format or file.suffix.lstrip(".").lower()
    if file_format not in ("csv", "parquet"):
        raise ValueError(f"{file} ends in neither .csv nor .parquet; add --format")
    audiences.records.mkdir(parents=True, exist_ok=True)
    lock = audiences.records / ".export.lock"
    with exclusive(lock, "another export is at work; try again when it has ended"):
        earlier = recorded(audiences, name)
        if earlier and not force:
            wrote = not file.exists()
            if wrote:
                _write_files(audiences, earlier[-1], None, file, file_format)
            return _counted(audiences, earlier[-1], audience, is_new=False, wrote_file=wrote)
        if file.exists() and not force:
            raise ValueError(f"{file} exists; choose another name, or add --force to replace it")
        campaign_id = f"{name}_{audiences.as_of_date}"
        if earlier:
            campaign_id += f"_{len(earlier) + 1}"
        assigned = _record(audiences, audience, campaign_id)
        treated, control = audiences.rows(
            f"select count(*) filter (arm = 'treated'), count(*) filter (arm = 'control') "
            f"from ({assigned})"
        )[0]
        if not treated:
            raise ValueError(
                f"audience '{name}' has no one to contact as of {audiences.as_of_date}; "
                f"nothing was written (`clientele audience preview {name}` shows why)"
            )
        p_value = sample_ratio_p_value(treated, control, audience["holdout_share"])
        if p_value is not None and p_value < LEAST_P and not force:
            raise ValueError(
                f"{control:,} of {treated + control:,} customers are held out where "
                f"{audience['holdout_share']:.0%} are planned; chance does that once in "
                f"{1 / max(p_value, 1e-12):,.0f} times. Something has removed customers of one "
                "arm, and the result would mislead. Nothing was written; look for what did it, or "
                "add --force"
            )
        record = audiences.records / f"{campaign_id}.parquet"
        _write_files(audiences, record, assigned, file, file_format)
        return Export(campaign_id, treated, control, p_value, is_new=True, wrote_file=True)


def recorded(audiences: Audiences, name: str) -> list[Path]:
    """Return the records of an audience's exports as of the publication's day, first to last."""
    pattern = re.compile(rf"{name}_{audiences.as_of_date}(?:_(\d+))?\.parquet")
    found = [
        (m, f) for f in audiences.records.glob("*.parquet") if (m := pattern.fullmatch(f.name))
    ]
    return [file for match, file in sorted(found, key=lambda pair: int(pair[0][1] or 1))]


def sample_ratio_p_value(treated: int, control: int, share: float) -> float | None:
    """Return the probability of arms at least as unlike the planned ``share`` of controls.

    It is Pearson's chi-square test; where fewer than five are expected in an arm, the exact
    binomial test. None without a holdout.

    >>> round(sample_ratio_p_value(900, 100, 0.1), 3)
    1.0
    >>> sample_ratio_p_value(1000, 50, 0.1) < 0.001
    True
    """
    from scipy import stats

    total = treated + control
    if not share or not total:
        return None
    if total * min(share, 1 - share) < 5:
        return float(stats.binomtest(control, total, share).pvalue)
    expected = [total * (1 - share), total * share]
    return float(stats.chisquare([treated, control], expected).pvalue)


def _record(audiences, audience, campaign_id):
    """Return the SQL of a record: the raw table `campaigns`, its plan, and reasons."""
    cost = audience["cost_per_contact"]
    return f"""
        select
            {quoted(campaign_id)} as campaign_id,
            customer_id,
            arm,
            -- The morning after the as-of date, up to which the orders of each customer are known.
            cast(as_of_date as timestamp) + interval 1 day as assigned_at,
            cast(null as timestamp) as sent_at,
            {quoted(audience["channel"])} as channel,
            cast(case when arm = 'treated' then {"null" if cost is None else cost} else 0 end
                as decimal(18, 4)) as cost,
            cast({audience["holdout_share"]} as double) as {PLANNED},
            segment_name as segment,
            concat_ws('. ', {quoted(audience["description"].rstrip("."))},
                'Place ' || rank, reason) as reason
        from members
        where audience = {quoted(audience["name"])} and arm in ('treated', 'control')
        order by rank
    """


def _write_files(audiences, record, assigned, file, file_format):
    """Write a record, unless it is there, and then the list of its treated: both or neither."""
    new_record = record.with_name(f".{record.name}.tmp")
    new_file = file.with_name(f".{file.name}.tmp")
    is_recorded = False
    try:
        if assigned is not None:
            _copy(audiences, assigned, new_record, "parquet")
        _copy(
            audiences,
            _list(audiences, record if assigned is None else new_record),
            new_file,
            file_format,
        )
        if assigned is not None:
            os.replace(new_record, record)
            is_recorded = True
            sync(record.parent)
        os.replace(new_file, file)
        sync(file.absolute().parent)
    except BaseException as error:
        if is_recorded:
            with suppress(OSError):
                record.unlink()
        if isinstance(error, duckdb.Error):
            raise OSError(f"{file} cannot be written: {error}") from None
        raise
    finally:
        for path in (new_record, new_file):
            with suppress(OSError):
                path.unlink(missing_ok=True)


def _list(audiences, record):
    """Return the SQL of the list of a record's treated, in the order of the audience."""
    known = {column["name"] for column in audiences.columns}
    fields = "".join(f", facts.{name}" for name in FIELDS if name in known)
    # Someone who has withdrawn since the record was made is not written to.
    asked = f"exists (select 1 from facts where {CONSENT} is not null)"
    consent = f"and coalesce(facts.{CONSENT}, not {asked})" if CONSENT in known else ""
    return f"""
        select recorded.customer_id, recorded.campaign_id{fields}, facts.action_reason
        from (
            select *, row_number() over () as line from read_parquet({quoted(str(record))})
        ) as recorded
        left join facts on recorded.customer_id = facts.customer_id
        where recorded.arm = 'treated' {consent}
        order by recorded.line
    """


def _copy(audiences, sql, file, file_format):
    options = "format parquet" if file_format == "parquet" else "format csv, header"
    audiences.connection.execute(f"copy ({sql}) to {quoted(str(file))} ({options})")
    sync(file)


def _counted(audiences, record, audience, *, is_new, wrote_file):
    treated, control = audiences.rows(
        "select count(*) filter (arm = 'treated'), count(*) filter (arm = 'control') "
        f"from read_parquet({quoted(str(record))})"
    )[0]
    p_value = sample_ratio_p_value(treated, control, audience["holdout_share"])
    return Export(record.stem, treated, control, p_value, is_new, wrote_file)
