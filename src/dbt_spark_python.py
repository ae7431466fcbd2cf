"""Let dbt's Spark adapter run Python models, which it offers only on Databricks.

dbt imports every installed module whose name starts with ``dbt_``, so being installed is enough.
Without dbt-spark, nothing happens. With ``method: session`` Python models run in the
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

        Raises ``DbtRuntimeError`` if that needs a Spark Connect server and none is named.
        """
        from pyspark.sql import SparkSession

        if method == "session":
            # The adapter's own session; it stays open for the next models.
            yield SparkSession.builder.getOrCreate()
            return
        url = os.environ.get("SPARK_REMOTE")
        if not url:
            raise DbtRuntimeError(
                f"Python models with `method: {method}` need a Spark Connect server "
                "on the same catalog: set SPARK_REMOTE=sc://<host>:15002"
            )
        # A new session: a shared one, stopped by another thread, would hang this one.
        spark = SparkSession.builder.remote(url).create()
        try:
            yield spark
        finally:
            spark.stop()

    def require_java() -> None:
        """Raise ``DbtRuntimeError`` unless a Java that Spark supports is installed."""
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
            # dbt's code drops the index of a data frame on purpose.
            warnings.filterwarnings("ignore", message="If `index_col` is not specified")
            with spark_session(self.method) as spark:
                code = compile(compiled_code, f"{self.name}.py", "exec")
                exec(code, {"spark": spark, "__name__": self.name})

    class SparkAdapter(dbt_spark.SparkAdapter):  # dbt wants that name
        """dbt-spark's adapter, with Python models on open-source Spark."""

        def __init__(self, config, *arguments) -> None:
            """Refuse a profile that starts Spark in this process if there is no Java to run it."""
            from pyspark.logger import PySparkLogger

            # It prints pages of Java for each failed statement, which dbt reports too.
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
        def prepare_source(self, source: str) -> str:
            """Check a source's YAML and import its text files; JSON in, JSON out."""
            from clientele.sources.preparing import prepare_as_json

            return prepare_as_json(source)

        @available
        def read_audiences(self, said: str) -> str:
            """Read `audiences/*.yml`; JSON in, JSON out."""
            from clientele.campaigns.audiences import read_as_json

            return read_as_json(said)

        @available
        def find_files(self, path: str) -> str | None:
            """Return ``path``, made absolute, if Spark finds a file there; else None. Reads none.

            The path may be a glob. Without a scheme it starts at the project's folder; Spark itself
            would start at its warehouse.
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
