"""Running the same SQL texts on Spark, where a site has outgrown one machine.

`Session` is the twin of `callstats.engine.Session`. Everything is SQL: executors run no Python and need
nothing of ours. pyspark is an extra (``callstats[spark]``, with Java 17 or 21) and imported here only.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import gettempdir
from types import TracebackType
from typing import Any, Final, Self, TypeAlias
from uuid import uuid4

import pyarrow as pa
import pyarrow.dataset as ds

from callstats.engine import ORDER_DIGITS, Parameter, Source, View, bind
from callstats.errors import UsageError
from callstats.fields import DAY, FLAG, INT, NAMES, SECONDS, TEXT, UTC_US

SparkSession: TypeAlias = Any  # pyspark is not there to be asked for its types
Frame: TypeAlias = Any

# What a text's meaning depends on; set anew for every session, whatever the cluster's own defaults are.
PINNED: Final[Mapping[str, str]] = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.caseSensitive": "false",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",  # INT96 is older, and has no zone
    "spark.sql.parquet.compression.codec": "zstd",
    "spark.sql.sources.partitionOverwriteMode": "static",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
}
# One JVM on this machine: it talks to itself only, and shows nothing.
LOCAL: Final[Mapping[str, str]] = {
    "spark.ui.enabled": "false",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
}
SQL_TYPES: Final = {
    TEXT: "STRING",
    INT: "BIGINT",
    SECONDS: "DOUBLE",
    FLAG: "BOOLEAN",
    DAY: "DATE",
    UTC_US: "TIMESTAMP",
}
NEEDED: Final = "install callstats with its extra: pip install 'callstats[spark]'"
JAVA: Final = (
    "Spark needs Java 17 or 21; type: sudo apt-get install openjdk-17-jre-headless (or set JAVA_HOME)"
)
_GLOB: Final = re.compile(r"([\\{}\[\]*?])")


def connect(master: str | None = None, options: Mapping[str, str] | None = None) -> SparkSession:
    """A Spark session at ``master`` (``local[*]``, ``spark://host:7077``, ``yarn``); None: as is configured.

    ``options`` are further Spark settings. Raises UsageError where pyspark or Java is not there.
    """
    with warnings.catch_warnings():  # it warns of pandas 3, which we do not use it with
        warnings.simplefilter("ignore", FutureWarning)
        try:
            from pyspark.errors import PySparkRuntimeError
            from pyspark.sql import SparkSession as Builder
        except ImportError:
            raise UsageError(f"Spark is not here; {NEEDED}") from None
        builder = Builder.builder.appName("callstats").config("spark.log.level", "ERROR")
        if master is not None:
            builder = builder.master(master)
        settings = {**(LOCAL if (master or "").startswith("local") else {}), **(options or {}), **PINNED}
        for name, value in settings.items():
            builder = builder.config(name, value)
        try:
            return builder.getOrCreate()
        except PySparkRuntimeError as error:
            if "JAVA" in str(error):
                raise UsageError(JAVA) from None
            raise


class Session:
    """Named tables and texts on Spark; what `step` computes is kept as Parquet under ``scratch``.

    State: a Spark session of its own within ``spark`` (two of them do not see each other's tables), and the
    folder of its steps, removed at the end. ``scratch`` is a folder or address that every executor reaches;
    None is the temporary folder of this machine, which will do for a local master only.
    """

    def __init__(self, spark: SparkSession, scratch: str | None = None) -> None:
        self._spark = spark.newSession()
        for name, value in PINNED.items():
            self._spark.conf.set(name, value)
        self._scratch = f"{(scratch or gettempdir()).rstrip('/')}/callstats-{uuid4().hex}"
        self._named: set[str] = set()
        self._kept = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        for name in self._named:
            self._spark.catalog.dropTempView(name)
        self.remove(self._scratch)

    def table(self, name: str, source: Source, schema: pa.Schema | None = None) -> None:
        """Name ``source``: an Arrow table, Parquet files (``schema`` stands in for no file), or a `View`.

        Files are paths or addresses; a column of ``schema`` that an older file lacks is null there.
        """
        if isinstance(source, View):
            for part, of in source.inputs.items():
                self.table(part, of)
            self.view(name, source.sql, source.parameters)
            return
        if isinstance(source, ds.FileSystemDataset):
            source, schema = source.files, source.schema
        if isinstance(source, pa.Table):
            frame = self._spark.createDataFrame(source)
        elif source:
            reader = self._spark.read.option("recursiveFileLookup", "true")
            if schema is not None:
                reader = reader.schema(self._spark.createDataFrame(schema.empty_table()).schema)
            frame = reader.parquet(*(escaped(path) for path in source))
        elif schema is not None:
            frame = self._spark.createDataFrame(schema.empty_table())
        else:
            raise ValueError(f"{name}: no file and no schema")
        self._name(name, frame)

    def view(self, name: str, sql: str, parameters: Mapping[str, Parameter] | None = None) -> None:
        """Name ``sql`` without computing it: read again each time it is used."""
        self._name(name, self._spark.sql(bind(sql, parameters or {})))

    def step(self, name: str, sql: str, parameters: Mapping[str, Parameter] | None = None) -> None:
        """Compute ``sql`` once and keep it as table ``name``, replacing an older one."""
        frame = self._spark.sql(bind(sql, parameters or {}))
        self._kept += 1
        path = f"{self._scratch}/{self._kept:04}-{name}"
        frame.write.parquet(path)
        self._name(name, self._spark.read.schema(frame.schema).parquet(escaped(path)))

    def query(self, sql: str, parameters: Mapping[str, Parameter] | None = None) -> pa.Table:
        """The rows of ``sql`` as an Arrow table."""
        return self._spark.sql(bind(sql, parameters or {})).toArrow()

    def write(self, sql: str, schema: pa.Schema, order: Sequence[str], folder: str) -> None:
        """Writes the rows of ``sql`` in columns and types of ``schema`` as ``folder/day=D/*.parquet``.

        One file per ``local_date``, its rows in the order of ``order``; executors write it. Without
        ``folder/_SUCCESS`` the folder is not whole.
        """
        frame = self._spark.sql(sql)
        columns = [conformed(field, dict(frame.dtypes)[field.name]) for field in schema]
        rows = frame.selectExpr(*columns, "local_date AS day").repartition("day")
        ordered = rows.sortWithinPartitions("day", *(rows[name].asc_nulls_last() for name in order))
        ordered.write.partitionBy("day").parquet(folder)

    def must_not_be(self, folder: str) -> None:
        """Raises UsageError where there is such a folder."""
        path, files = self._files_of(folder)
        if files.exists(path):
            raise UsageError(f"{folder}: is there already; name another folder, or remove it")

    def _name(self, name: str, frame: Frame) -> None:
        frame.createOrReplaceTempView(name)
        self._named.add(name)

    def remove(self, folder: str) -> None:
        """Removes a folder, wherever it lies; none is none."""
        path, files = self._files_of(folder)
        files.delete(path, True)

    def _files_of(self, folder: str) -> tuple[Any, Any]:
        """A folder as Hadoop names it, and the file system it lies in."""
        path = self._spark._jvm.org.apache.hadoop.fs.Path(folder)
        return path, path.getFileSystem(self._spark._jsc.hadoopConfiguration())


def conformed(field: pa.Field, dtype: str) -> str:
    """The expression that does to a column of a text (its type on Spark) what `engine.conform` does to it."""
    if field.type == UTC_US and dtype != "timestamp":
        return f"timestamp_micros({field.name}) AS {field.name}"
    if field.type == NAMES:
        cut = f"transform({field.name}, value -> substring(value, {ORDER_DIGITS + 1}))"
        return f"coalesce({cut}, array()) AS {field.name}"
    return f"CAST({field.name} AS {SQL_TYPES[field.type]}) AS {field.name}"


def escaped(path: Path | str) -> str:
    """A path or address as Spark takes it to the letter: it would read ``*`` and ``[`` as patterns."""
    return _GLOB.sub(r"\\\1", str(path))
