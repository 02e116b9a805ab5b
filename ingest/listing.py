"""Which files there are: named ones with their rotated parts, and those of folders, without our own data."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["Found", "Key", "below", "is_own", "listed"]

Key = tuple[int, int]  # device and inode: what a file stays through all its names
# what rotation puts after a name: .1, -20261127, .2026-11-27-10.gz
_ROTATED: Final = re.compile(r"[.-]\d[\dT_.:-]*(?:\.(?:gz|bz2|xz))?")


@dataclass(frozen=True)
class Found:
    """A file or what stands in its place; `named`: the path was given, not found in a folder."""

    path: Path
    stat: os.stat_result
    named: bool

    @property
    def key(self) -> Key:
        """What it stays under another name."""
        return self.stat.st_dev, self.stat.st_ino

    @property
    def stamp(self) -> tuple[int, int]:
        """What changes when it is written to."""
        return self.stat.st_size, self.stat.st_mtime_ns

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file."""
        return stat.S_ISREG(self.stat.st_mode)

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder: one that cannot be listed, or a link to one."""
        return stat.S_ISDIR(self.stat.st_mode)


def listed(paths: Iterable[Path], data: Path) -> Iterator[Found]:
    """What is there under some paths; a named file with the rotated parts beside it."""
    for path in paths:
        if os.path.isdir(path):  # False too where it may not be looked at
            yield from _stated(below(path, data), named=False)
        else:
            yield from _stated([path], named=True)
            yield from _stated(_rotated(path), named=False)


def _stated(paths: Iterable[Path], *, named: bool) -> Iterator[Found]:
    for path in paths:
        try:
            told = path.stat()
        except OSError:  # gone meanwhile, or a link that leads nowhere
            continue
        yield Found(path, told, named)


def _rotated(path: Path) -> Iterator[Path]:
    try:
        names = sorted(os.listdir(path.parent))
    except OSError:
        return
    for name in names:
        if name.startswith(path.name) and _ROTATED.fullmatch(name, len(path.name)):
            yield path.parent / name


def below(folder: Path, data: Path) -> Iterator[Path]:
    """Files in order of names; folders that are links, or cannot be listed, are given themselves."""
    own, closed = os.path.realpath(data), list[Path]()
    for place, folders, names in os.walk(folder, onerror=lambda error: closed.append(Path(error.filename))):
        here = Path(place)
        folders[:] = sorted(name for name in folders if os.path.realpath(here / name) != own)
        yield from (here / name for name in folders if (here / name).is_symlink())
        yield from (here / name for name in sorted(names))
    yield from closed


def is_own(path: Path, data: Path) -> bool:
    """Whether a file lies in our own data folder."""
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(data))
