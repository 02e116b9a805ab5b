"""What a load did, for people and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from ingest.load import BINARY, EMPTY, NO_FILE, FileReport
from ingest.storing import COUNTS

# reasons for which a file is skipped that need no line each
COUNTED: Final = (BINARY, EMPTY, NO_FILE)


def as_json(reports: Sequence[FileReport]) -> dict[str, Any]:
    """All reports, and the sums of their counts."""
    return {
        "files": [asdict(report) for report in reports],
        **{name: sum(getattr(report, name) for report in reports) for name in COUNTS},
    }


def as_text(reports: Sequence[FileReport]) -> str:
    """One line per file and the sums; of skipped files those that people did not mean are a count only."""
    told = len(reports) == 1
    lines = [_line(report) for report in reports if told or report.reason not in COUNTED]
    for reason in COUNTED:
        if not told and (count := sum(report.reason == reason for report in reports)):
            lines.append(f"Skipped ({reason}): {count}")
    lines.append(f"Together: {_counts(as_json(reports))}")
    return "\n".join(lines)


def as_change(report: FileReport) -> str:
    """One line of what changed in a file that is followed."""
    if report.status != "loaded":
        return f"{report.path}: {'FAILED: ' if report.status == 'failed' else ''}{report.reason}"
    parts = [f"{report.new} new of {report.read} read"]
    parts += [f"{report.rejected} rejected"] if report.rejected else []
    parts += [f"{report.late} late (their days are sealed)"] if report.late else []
    return f"{report.path}: {report.dialect}: {', '.join(parts)}"


def _line(report: FileReport) -> str:
    if report.status == "failed":
        return f"{report.path}: FAILED: {report.reason}"
    if report.status == "skipped":
        return f"{report.path}: skipped: {report.reason}"
    told = f" ({report.reason})" if report.status == "known" else ""
    return f"{report.path}: {report.dialect}: {_counts(asdict(report))}{told}"


def _counts(of: dict[str, Any]) -> str:
    return (
        f"read {of['read']} = kept {of['kept']} + ignored {of['ignored']} + rejected {of['rejected']}; "
        f"new {of['new']}, known {of['known']}"
    ) + (f", late {of['late']} (their days are sealed)" if of["late"] else "")
