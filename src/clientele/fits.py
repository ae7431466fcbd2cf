"""Keep the result of a fit between builds, and fit again only for a stated reason.

A Python model hands its function to `fitted_once`. The result carries two more columns:
``fitted_on``, a JSON text of everything that decides it, and ``fit_reason``, the reason for the
fit. A later build with the same ``fitted_on`` keeps the rows and never calls the function.
"""

import hashlib
import json
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from clientele.frames import as_table

KEPT_TYPES = {"fitted_on": "string", "fit_reason": "string"}
# A new release of these may change the last digits of a fit, or a random choice.
LIBRARIES = ["numpy", "pandas", "scikit-learn", "scipy"]


def fitted_once(
    dbt, session, fit: Callable, *, code: str, source_name: str, params: dict, as_of_dates, **inputs
):
    """Return the rows that the last build left, or those of ``fit`` if something has changed.

    ``fit`` is called with ``inputs`` (relations of the warehouse) and ``params`` as keyword
    arguments, and returns a frame and its types as `clientele.frames.as_table` takes them. ``code``
    names the package that ``fit`` runs; ``as_of_dates`` is `int_as_of_dates`.

    A fit is decided by ``source_name``, the as-of date, ``params`` as ``fit`` receives them, the
    source text of ``code`` with the releases of `LIBRARIES`, and every row of ``inputs``. Settings
    that act in SQL decide through those rows, so that no setting can be forgotten.

    On Spark the adapter drops a table before its model runs, so every build fits. A model without
    rows is fitted by every build too. A full refresh empties the table
    first (macro `forget_fit`). The model must be materialised as a table.

    Example of a model::

        def model(dbt, session):
            def fit(customers, **params):
                from clientele.value.fitting import CLV_PARAMETER_TYPES, fit_clv

                return fit_clv(collect(customers, key="customer_id"), **params), CLV_PARAMETER_TYPES

            return fitted_once(
                dbt,
                session,
                fit,
                code="clientele.value",
                source_name=dbt.config.meta_get("source_name"),
                params=dbt.config.meta_get("params"),
                as_of_dates=dbt.ref("int_as_of_dates"),
                customers=dbt.ref("ml_customers__clv_sample"),
            )
    """
    now = {
        "source": source_name,
        "as_of_date": _as_of_date(as_of_dates),
        "configuration": params,
        "code": code_version(code),
        "data": {name: fingerprint(relation) for name, relation in sorted(inputs.items())},
    }
    text = json.dumps(now, sort_keys=True, default=str)
    before = _kept(dbt, session)
    if before == text:
        return session.sql(f"select * from {dbt.this}")
    frame, types = fit(**inputs, **params)
    reason = reason_to_fit(before, text)
    return as_table(session, frame.assign(fitted_on=text, fit_reason=reason), types | KEPT_TYPES)


def reason_to_fit(before: str | None, now: str) -> str:
    """Return the reason for a fit: the differences between two values of ``fitted_on``.

    >>> reason_to_fit(None, '{"code": "2", "configuration": {"prior_sd": 1}}')
    'nothing kept'
    >>> reason_to_fit(
    ...     '{"code": "1", "configuration": {"prior_sd": 2}}',
    ...     '{"code": "2", "configuration": {"prior_sd": 1}}',
    ... )
    'code; configuration: prior_sd'
    """
    if before is None:
        return "nothing kept"
    old, new = json.loads(before), json.loads(now)
    reasons = []
    for name in sorted(new):
        then = old.get(name)
        if then == new[name]:
            continue
        if isinstance(new[name], dict):
            parts = new[name] | (then or {})
            changed = [key for key in parts if (then or {}).get(key) != new[name].get(key)]
            reasons.append(f"{name}: {', '.join(sorted(changed))}")
        elif name in ("as_of_date", "source"):
            reasons.append(f"{name}: {then} -> {new[name]}")
        else:
            reasons.append(name)
    return "; ".join(reasons)


def fingerprint(relation) -> str:
    """Return the number of rows of a relation and a hash of them, whatever their order.

    The columns of `KEPT_TYPES` are left out, because a new fit with the same rows changes nothing
    for its readers.
    """
    names = ", ".join(name for name in relation.columns if name not in KEPT_TYPES)
    if hasattr(relation, "toPandas"):
        hashed = relation.selectExpr(f"cast(xxhash64({names}) as decimal(38, 0)) as hashed")
        count, total = hashed.selectExpr("count(*)", "sum(hashed)").first()
    else:
        query = f"select count(*), sum(cast(hash(r) as hugeint)) from (select {names} from t) as r"
        ((count, total),) = relation.query("t", query).fetchall()
    return f"{count}:{int(total or 0):x}"


@cache
def code_version(package: str) -> str:
    """Return a hash of the source of every module of ``package`` and of the libraries' releases."""
    digest = hashlib.sha256(" ".join(f"{name} {version(name)}" for name in LIBRARIES).encode())
    for folder in find_spec(package).submodule_search_locations:
        for path in sorted(Path(folder).rglob("*.py")):
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _as_of_date(as_of_dates) -> str | None:
    current = as_of_dates.filter("period_number = 0").select("as_of_date")
    rows = current.collect() if hasattr(current, "collect") else current.fetchall()
    return str(rows[0][0]) if rows else None


def _kept(dbt, session) -> str | None:
    """Return ``fitted_on`` of the last build's rows; None without rows."""
    if hasattr(session, "createDataFrame"):
        return None
    columns = session.execute(
        "select column_name from information_schema.columns "
        "where table_catalog = ? and table_schema = ? and table_name = ?",
        [dbt.this.database, dbt.this.schema, dbt.this.identifier],
    ).fetchall()
    if not set(KEPT_TYPES) <= {name for (name,) in columns}:
        return None
    rows = session.execute(f"select distinct fitted_on from {dbt.this}").fetchall()
    return rows[0][0] if len(rows) == 1 else None
