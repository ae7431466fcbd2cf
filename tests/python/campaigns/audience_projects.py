"""A project with audiences on a publication that is written by hand, in half a second."""

import shutil
from pathlib import Path

import duckdb
import yaml
from conftest import PROJECT

from clientele.campaigns.audiences import MARTS

AS_OF = "2024-12-31"
PLANS = "fct_campaign_plans"


def write_project(folder: Path, customers: int = 1000) -> Path:
    """Write a project without audiences into ``folder``, publish customers c0, c1 ..., return it.

    Customer n has n orders, a CLV of n, segment `s0` or `s1`, and group due (even n) or new.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("dbt_project.yml", "macros/campaigns/audience_members.sql"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / name, folder / name)
    (folder / "audiences").mkdir()
    database = folder / "published/current/clientele.duckdb"
    database.parent.mkdir(parents=True)
    with duckdb.connect(str(database)) as connection:
        run = connection.execute
        run("create schema marts")
        for mart in [*MARTS.values(), PLANS]:
            source = next((PROJECT / "models").rglob(f"{mart}.yml"))
            (folder / "models/marts").mkdir(parents=True, exist_ok=True)
            shutil.copy(source, folder / "models/marts")
            columns = yaml.safe_load(source.read_text())["models"][0]["columns"]
            typed = ", ".join(f"{column['name']} {column['data_type']}" for column in columns)
            run(f"create table marts.{mart} ({typed})")
        run(
            "create table marts.publications as select "
            f"date '{AS_OF}' as as_of_date, 'shop' as source_name, 'EUR' as currency"
        )
        numbers = f"from range({customers}) as t(n)"
        run(
            "insert into marts.dim_customers by name select 'c' || n as customer_id, "
            f"n as order_count, n as clv, 's' || n % 2 as segment_name {numbers}"
        )
        run(
            "insert into marts.fct_customer_actions by name select 'c' || n as customer_id, "
            f"if(n % 2 = 0, 'due', 'new') as contact_group, 'Because' as action_reason {numbers}"
        )
        run(
            "insert into marts.fct_product_recommendations by name select 'c' || n as customer_id,"
            f" r as rank, 'p' || r as product_id, 'Mug, 1/2 \"l\"' as product_label {numbers}, "
            "range(1, 3) as o(r)"
        )
    return folder


def write_audience(project: Path, name: str, **said) -> None:
    """Write an audience's file; without a condition, everyone is in it."""
    settings = {"description": "Some people.", "condition": "true"} | said
    (project / "audiences" / f"{name}.yml").write_text(yaml.safe_dump(settings))
