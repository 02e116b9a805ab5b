"""One Spark for all tests here: a JVM on this machine, small, that talks to itself only."""

import importlib.util
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from callstats import engine, spark
from tests.spark.twin import Twin

# Small data: starting things is what costs, so compile little and cut into few parts, but more than one.
SMALL = {
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.memory": "1g",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
}


def lacking() -> str | None:
    """What is not here; None where Spark can run."""
    if importlib.util.find_spec("pyspark") is None:
        return "pyspark is not installed; make test-spark sets it up"
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        return "Java is not installed; make test-spark sets it up"
    return None


@pytest.fixture(scope="session")
def sparks() -> Iterator[spark.SparkSession]:
    """The Spark session. Without Spark its tests are skipped, unless they were asked for (SPARK_TESTS=1)."""
    reason = lacking()
    if reason is not None:
        (pytest.fail if os.environ.get("SPARK_TESTS") else pytest.skip)(reason)
    session = spark.connect("local[2]", SMALL)
    yield session
    session.stop()


@pytest.fixture
def twin(sparks: spark.SparkSession, tmp_path: Path) -> Iterator[Twin]:
    """The two engines as one; the test looks at what they differed in."""
    with Twin(sparks, tmp_path) as both:
        yield both


@contextmanager
def through(both: Twin) -> Iterator[None]:
    """While inside, what the program computes is computed by both and compared."""

    class Again(Twin):
        """A fresh pair of sessions that reports to `both`."""

        def __init__(self) -> None:
            super().__init__(both.spark._spark, both.folder)
            self.found, self.compared = both.found, both.compared

    with engine.on(Again):
        yield
