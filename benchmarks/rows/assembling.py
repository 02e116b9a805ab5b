"""From events to calls, visits and attempts, beside SQL that knows the simplest calls only.

Both read the same file: the calls of a simulated town that dial one phone and nothing else, as the CDR tells
them. The plain SQL is right for these and no other calls; ours is the text for all calls.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

import pyarrow as pa

from benchmarks.harness import BenchError, Outcome, Run, Sample, apart, compared, in_turn
from benchmarks.town import Block, block
from callstats.assemble import assemble
from callstats.engine import Session
from callstats.settings import Settings
from callstats.store import Store

__all__ = ["PLAIN", "Assembling", "ours", "plain", "plainly", "simplest"]

PEAK_MIB: Final = 600
# Calls of one CDR row that dials one phone.
SIMPLEST: Final = """
COPY (
    SELECT e.* FROM events e
    WHERE e.source = 'cdr' AND e.app = 'Dial' AND e.dest_channel LIKE 'PJSIP/%' AND length(e.exten) > 3
        AND split_part(e.app_data, ',', 1) = split_part(e.dest_channel, '-', 1)
        AND e.linkedid IN (SELECT linkedid FROM events GROUP BY linkedid HAVING count(*) = 1)
        AND split_part(split_part(e.dest_channel, '/', 2), '-', 1) IN (SELECT value FROM phones)
        AND e.channel LIKE 'PJSIP/public-%'
) TO '{to}' (FORMAT parquet, COMPRESSION zstd)
"""
# What somebody writes by hand who knows that every call is such a call.
PLAIN: Final = {
    "phoned": """
        SELECT e.pbx || ':' || e.linkedid AS call_id, e.pbx, e.at AS started_at, e.ended_at, e.local_date,
            'inbound' AS direction, e.caller, e.caller_class, e.exten AS dialled,
            e.exten_class AS dialled_class,
            split_part(split_part(e.dest_channel, '/', 2), '-', 1) AS phone, m.department,
            CASE e.status WHEN 'ANSWERED' THEN 'answered' WHEN 'BUSY' THEN 'busy' WHEN 'FAILED' THEN 'failed'
                ELSE CASE WHEN e.duration_us >= 1000000 * (CAST(split_part(e.app_data, ',', 2) AS BIGINT) - 1)
                    THEN 'unanswered' ELSE 'abandoned' END END AS outcome,
            CASE WHEN e.status = 'ANSWERED' THEN e.answered_at END AS answered_at,
            epoch_us(coalesce(CASE WHEN e.status = 'ANSWERED' THEN e.answered_at END, e.ended_at))
                - epoch_us(e.at) AS ring_us,
            CASE WHEN e.status = 'ANSWERED' THEN epoch_us(e.ended_at) - epoch_us(e.answered_at) END AS talk_us
        FROM events e LEFT JOIN phones m
            ON m.value = split_part(split_part(e.dest_channel, '/', 2), '-', 1)
    """,
    "calls": """
        SELECT call_id, pbx, started_at, ended_at, local_date, direction, caller, caller_class, dialled,
            dialled_class, outcome, 'certain' AS outcome_certainty, answered_at,
            CASE WHEN outcome = 'answered' THEN phone END AS answered_by, ring_us / 1e6 AS ring_s,
            CASE WHEN outcome = 'answered' THEN ring_us / 1e6 END AS wait_s, talk_us / 1e6 AS talk_s,
            [department] AS departments, FALSE AS transferred, ['cdr'] AS sources
        FROM phoned ORDER BY call_id
    """,
    "visits": """
        SELECT call_id, 1 AS visit, department, local_date, started_at AS entered_at, 'dialled' AS entered_by,
            ended_at AS left_at, started_at AS first_ring_at, answered_at,
            CASE WHEN outcome = 'answered' THEN phone END AS answered_by, ring_us / 1e6 AS ring_s,
            0e0 AS ring_min_s, ring_us / 1e6 + 1 AS ring_max_s, 'cdr' AS ring_source, ring_us / 1e6 AS wait_s,
            talk_us / 1e6 AS talk_s, outcome, 'certain' AS outcome_certainty, TRUE AS external,
            1 AS phones_offered, FALSE AS no_phone_available,
            outcome IN ('busy', 'unanswered') AS first_failed,
            [phone] AS employees_tried
        FROM phoned ORDER BY call_id
    """,
    "attempts": """
        SELECT call_id, 1 AS visit, 1 AS position, phone AS employee, department, local_date,
            started_at AS tried_at, coalesce(answered_at, ended_at) AS ended_at,
            CASE outcome WHEN 'unanswered' THEN 'no_answer' ELSE outcome END AS outcome,
            ring_us / 1e6 AS ring_s,
            'estimated' AS certainty, 'cdr' AS source
        FROM phoned ORDER BY call_id
    """,
}


@dataclass(frozen=True)
class Assembling:
    """The simplest calls of four weeks by both, and all calls of them by ours for the memory."""

    name: str = "assemble"
    what: str = "events → calls, visits, attempts"
    yardstick: str = "SQL by hand for calls that dial one phone"
    at_most: float = 1.5

    def measure(self, run: Run) -> Outcome:
        """See `Row.measure`."""
        town = block(run.folder, run.calls)
        with tempfile.TemporaryDirectory(dir=run.folder) as folder:
            path = Path(folder) / "simplest.parquet"
            calls = simplest(town, path)
            given = {"config": _config(town), "data": town.settings.data, "folder": folder}
            pairs = in_turn(
                lambda: _apart("ours", files=[path], **given),
                lambda: _apart("plainly", files=[path], **given),
                run.rounds,
            )
            with Store.open(town.settings) as store:
                whole = _apart("ours", files=store.event_files(), **given)
        cpu = median(mine.cpu_s / theirs.cpu_s for mine, theirs in pairs)
        each = median(mine.cpu_s for mine, _ in pairs) / calls
        peak = max(whole.peak_mib, *(mine.peak_mib for mine, _ in pairs))
        return compared(
            pairs,
            f"{calls:,} calls that dial one phone, simulated",
            limits={f"peak {peak:.0f} MiB of {PEAK_MIB}": peak <= PEAK_MIB},
            notes=[
                f"processor time {cpu:.2f}, {each * 1e3:.3f} ms a call",
                f"all {town.calls:,} calls of the four weeks {whole.cpu_s / town.calls * 1e3:.3f} ms a call",
            ],
        )


def _config(town: Block) -> Path:
    return town.settings.data.parent / "pbx" / "callstats.toml"


def _apart(way: str, **arguments: object) -> Sample:
    files = [str(path) for path in arguments.pop("files")]  # type: ignore[attr-defined]
    return apart(f"{__name__}:{way}", files=files, **arguments)


def simplest(town: Block, to: Path) -> int:
    """Writes the events of the simplest calls to a file; returns how many."""
    with Store.open(town.settings) as store, Session() as session:
        session.table("events", store.event_files())
        session.table("phones", _phones(town.settings))
        (row,) = session.query(SIMPLEST.format(to=to)).to_pylist()
    if not row["Count"]:
        raise BenchError("bench: no call of the town dials one phone only; give more calls")
    return int(row["Count"])


def _phones(settings: Settings) -> pa.Table:
    """Phones and their departments, as somebody would have them in a table."""
    rows = [
        {"value": phone, "department": one.id} for one in settings.departments for phone in one.extensions
    ]
    return pa.Table.from_pylist(rows)


def ours(files: list[str], config: str, data: str, folder: str) -> Callable[[], None]:
    """The tables by callstats, with the memory of a load."""
    settings = Settings.load(Path(config), Path(data))

    def go() -> None:
        assemble([Path(path) for path in files], settings, Path(folder) / "spill")

    return go


def plainly(files: list[str], config: str, data: str, folder: str) -> Callable[[], None]:
    """The tables by hand-written SQL."""
    settings = Settings.load(Path(config), Path(data))

    def go() -> None:
        plain([Path(path) for path in files], settings)

    return go


def plain(files: list[Path], settings: Settings) -> dict[str, pa.Table]:
    """Calls, visits and attempts of the simplest calls."""
    with Session() as session:
        session.table("events", files)
        session.table("phones", _phones(settings))
        session.step("phoned", PLAIN["phoned"])
        return {name: session.query(sql) for name, sql in PLAIN.items() if name != "phoned"}
