"""Build on Spark, then keep every mart as Parquet: a catalog in memory ends with its session.

python build_marts.py FOLDER TARGET [arguments of `clientele build`]

With --select the build is dbt's own, because the summary of `clientele build` needs every mart.
"""

import sys
from pathlib import Path

from dbt.cli.main import dbtRunner

from clientele.cli import main
from dbt_spark_python import spark_session


def build(folder, target, *arguments):
    command = ["build", "--target", target, *arguments]
    if "--select" in command:
        exit_code = 0 if dbtRunner().invoke(command).success else 1
    else:
        exit_code = main(command)
    if exit_code == 0:
        with spark_session("session" if target == "spark" else "thrift") as spark:
            for table in spark.catalog.listTables("marts"):
                spark.table(f"marts.{table.name}").write.parquet(str(Path(folder) / table.name))
    return exit_code


if __name__ == "__main__":
    sys.exit(build(*sys.argv[1:]))
