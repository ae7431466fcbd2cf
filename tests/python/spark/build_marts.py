"""Build on Spark, then keep every mart as Parquet: a catalog in memory ends with its session.

python build_marts.py TARGET BUILDS

BUILDS is a JSON list of builds, each with the folder for its marts, its environment, and its
arguments of `clientele build`. All are built in one session, one after the other, because starting
and warming Spark up takes as long as building a small shop. With --select a build is dbt's own,
because the summary of `clientele build` needs every mart.
"""

import json
import os
import sys
from pathlib import Path

from dbt.cli.main import dbtRunner

from clientele.cli import main
from dbt_spark_python import spark_session


def build(target, marts, environment, arguments):
    os.environ.update(environment)
    command = ["build", "--target", target, *arguments]
    if "--select" in command:
        exit_code = 0 if dbtRunner().invoke(command).success else 1
    else:
        exit_code = main(command)
    if exit_code == 0:
        with spark_session("session" if target == "spark" else "thrift") as spark:
            for table in spark.catalog.listTables("marts"):
                spark.table(f"marts.{table.name}").write.parquet(str(Path(marts) / table.name))
            # The next build finds an empty catalog.
            for database in spark.catalog.listDatabases():
                if database.name != "default":
                    spark.sql(f"drop database {database.name} cascade")
    return exit_code


if __name__ == "__main__":
    target, builds = sys.argv[1], json.loads(sys.argv[2])
    sys.exit(max(build(target, **each) for each in builds))
