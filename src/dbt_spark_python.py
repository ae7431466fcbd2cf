"""Give dbt's Spark adapter what it offers for Databricks alone: Python models.

dbt imports every installed module whose name starts with ``dbt_``, so being installed is enough;
where there is no dbt-spark, nothing happens. With ``method: session`` Python models run in the
session that runs the SQL. Any other method needs a Spark Connect server over the same catalog,
at the URL in the environment variable ``SPARK_REMOTE``.
"""

import os
import re
import shutil
import subprocess
import warnings
from contextlib import contextmanager

try:
    from dbt.adapters import spark as dbt_spark
except ImportError:
    dbt_spark = None

if dbt_spark is not None:
    from dbt.adapters.base import PythonJobHelper, available
    from dbt_common.exceptions import DbtRuntimeError

    @contextmanager
    def spark_session(method: str):
        """Yield a session on the catalog of a profile with that ``method``.

        Raises ``DbtRuntimeError`` where that takes a Spark Connect server and none is named.
        """
        from pyspark.sql import SparkSession

        if method == "session":
            # The adapter's own session; it stays open for what comes next.
            yield SparkSession.builder.getOrCreate()
            return
        url = os.environ.get("SPARK_REMOTE")
        if not url:
            raise DbtRuntimeError(
                f"Python models with `method: {method}` need a Spark Connect server "
                "on the same catalog: set SPARK_REMOTE=sc://<host>:15002"
            )
        # One of its own: a shared session, stopped by another thread, would hang this one.
        spark = SparkSession.builder.remote(url).create()
        try:
            yield spark
        finally:
            spark.stop()

    def require_java() -> None:
        """Raise ``DbtRuntimeError`` unless there is a Java that Spark runs on."""
        home = os.environ.get("JAVA_HOME")
        java = f"{home}/bin/java" if home else shutil.which("java")
        remedy = "install one (Debian: openjdk-17-jre-headless) or set JAVA_HOME"
        try:
            said = subprocess.run([java or "java", "-version"], capture_output=True, text=True)
        except OSError:
            raise DbtRuntimeError(f"Spark needs Java 17 or 21 and found none: {remedy}") from None
        version = re.search(r'version "(\d+)', said.stderr)
        if version and int(version[1]) < 17:
            raise DbtRuntimeError(f"Spark needs Java 17 or 21; {java} is {version[1]}: {remedy}")

    class SessionPythonJobHelper(PythonJobHelper):
        """Runs a compiled Python model in this process, on the profile's catalog."""

        def __init__(self, parsed_model: dict, credentials) -> None:
            """Take a model of dbt's manifest and the profile it runs with."""
            self.name = parsed_model["alias"]
            self.method = credentials.method

        def submit(self, compiled_code: str) -> None:
            """Execute the model and, after it, dbt's code that stores what it returned."""
            # dbt's code drops the index of a data frame, as it should; no need to say so.
            warnings.filterwarnings("ignore", message="If `index_col` is not specified")
            with spark_session(self.method) as spark:
                code = compile(compiled_code, f"{self.name}.py", "exec")
                exec(code, {"spark": spark, "__name__": self.name})

    class SparkAdapter(dbt_spark.SparkAdapter):  # dbt wants that name
        """dbt-spark's adapter, with Python models on open-source Spark."""

        def __init__(self, config, *arguments) -> None:
            """Refuse a profile that would start a Spark here without a Java to run it."""
            from pyspark.logger import PySparkLogger

            # Every failed statement, with pages of Java; dbt reports it too.
            PySparkLogger.getLogger("SQLQueryContextLogger").setLevel("CRITICAL")
            if config.credentials.method == "session":
                require_java()
            super().__init__(config, *arguments)

        @property
        def default_python_submission_method(self) -> str:
            """Return the method of a model that names none."""
            return "session"

        @property
        def python_submission_helpers(self) -> dict[str, type[PythonJobHelper]]:
            """Return the ways to run a Python model, by name."""
            return {**super().python_submission_helpers, "session": SessionPythonJobHelper}

        @available
        def find_files(self, path: str) -> str | None:
            """Return ``path``, made absolute, if Spark finds a file there; else None. Reads none.

            The path may be a glob. Without a scheme it starts at the project's folder, as Spark's
            catalog, which starts at its warehouse, would not have it.
            """
            from pyspark.errors import AnalysisException

            place = path if "://" in path else os.path.abspath(path)
            with spark_session(self.config.credentials.method) as spark:
                try:
                    return place if spark.read.format("binaryFile").load(place).columns else None
                except AnalysisException as error:
                    if error.getCondition() == "PATH_NOT_FOUND":
                        return None
                    raise

    dbt_spark.Plugin.adapter = SparkAdapter
