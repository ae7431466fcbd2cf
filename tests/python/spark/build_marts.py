"""Build on Spark, then keep every mart as Parquet: the catalog in memory ends with the session.

python build_marts.py FOLDER [arguments of `clientele build`]
"""

import sys
from pathlib import Path

from clientele.cli import main
from dbt_spark_python import spark_session


def build(folder, arguments):
    exit_code = main(["build", "--target", "spark", *arguments])
    if exit_code == 0:
        with spark_session("session") as spark:
            for table in spark.catalog.listTables("marts"):
                spark.table(f"marts.{table.name}").write.parquet(str(Path(folder) / table.name))
    return exit_code


if __name__ == "__main__":
    sys.exit(build(sys.argv[1], sys.argv[2:]))
