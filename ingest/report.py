"""What a load did, for people and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from ingest.load import FileReport

COUNTS: Final = ("read", "kept", "ignored", "rejected", "new", "known")


def as_json(reports: Sequence[FileReport]) -> dict[str, Any]:
    """All reports, and the sums of their counts."""
    return {
        "files": [asdict(report) for report in reports],
        **{name: sum(getattr(report, name) for report in reports) for name in COUNTS},
    }


def as_text(reports: Sequence[FileReport]) -> str:
    """One line per file, skipped ones as a count only, and the sums."""
    skipped = sum(report.status == "skipped" for report in reports)
    lines = [_line(report) for report in reports if report.status != "skipped"]
    if len(reports) == 1 and skipped:
        lines.append(f"{reports[0].path}: skipped: {reports[0].reason}")
    elif skipped:
        lines.append(f"{skipped} other files skipped (no format that is read here)")
    sums = as_json(reports)
    lines.append(f"Together: {_counts(sums)}")
    return "\n".join(lines)


def _line(report: FileReport) -> str:
    if report.status == "failed":
        return f"{report.path}: FAILED: {report.reason}"
    told = f" ({report.reason})" if report.status == "known" else ""
    return f"{report.path}: {report.dialect}: {_counts(asdict(report))}{told}"


def _counts(of: dict[str, Any]) -> str:
    return (
        f"read {of['read']} = kept {of['kept']} + ignored {of['ignored']} + rejected {of['rejected']}; "
        f"new {of['new']}, known {of['known']}"
    )
