"""On what a bench ran: machine, versions, revision. Ratios are compared, yet not without knowing these."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Final

__all__ = ["machine", "revision", "versions"]

PACKAGES: Final = ("duckdb", "pyarrow", "numpy", "sqlalchemy", "fastapi", "uvicorn")


def machine(folder: Path) -> str:
    """Processor, cores, memory, kernel, and the file system of `folder`."""
    cores = len(os.sched_getaffinity(0))
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = os.getloadavg()[0]
    return (
        f"{_processor()}, {cores} cores, {memory_gib:.0f} GiB, Linux {platform.release()}, "
        f"{_file_system(folder)}, load {load:.1f} at the start"
    )


def versions() -> str:
    """Python and the packages that do the work."""
    return ", ".join(
        [f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in PACKAGES)]
    )


def revision() -> str:
    """The commit that ran, with a plus where files differ from it; `unknown` outside a repository."""
    root = Path(__file__).parents[1]

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", *arguments], cwd=root, capture_output=True, text=True, check=True
        ).stdout

    try:
        changed = git("status", "--porcelain", "--untracked-files=no").strip()
        return git("rev-parse", "--short", "HEAD").strip() + ("+" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _processor() -> str:
    for line in _lines("/proc/cpuinfo"):
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()


def _file_system(folder: Path) -> str:
    """Kind of the file system that holds the folder, by the longest mount point above it."""
    real, best = os.path.realpath(folder), ("", "unknown file system")
    for line in _lines("/proc/mounts"):
        _, point, kind, *_ = line.split()
        inside = real == point or real.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best[0]):
            best = (point, kind)
    return best[1]


def _lines(name: str) -> list[str]:
    try:
        return Path(name).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
