"""Work that is killed at its n-th step, in a process of its own: each sync, rename and transaction is a step.

Reads numbers n from standard input; for each, a fork does piece of work n, is killed at step n, and its
status (7: it got through) is written. A fork, because it starts at once; no library has threads yet here.
"""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

from sqlalchemy import Connection

from callstats.cases.database import Database
from callstats.store import Store
from tests.callstats.facts import NOON, batch, calls, event, events, messages, site

DAY = date(2026, 3, 10)
APART = timedelta(days=10)
THROUGH = 7


def day_of(number: int) -> date:
    """The first day of a piece of work."""
    return DAY + number * APART


def work(store: Store, number: int) -> None:
    """Appends a batch of two days and replaces two tables of the first."""
    at, name = NOON + number * APART, f"b{number}"
    later = at + timedelta(days=1)
    store.append_batch(batch(name), [events(event(f"{name}-1", at)), events(event(f"{name}-2", later))])
    day = day_of(number)
    store.replace_days([day], {"calls": calls(day, name), "messages": messages(day, name)})


def _die_at(last: int) -> None:
    steps = 0

    def step() -> None:
        nonlocal steps
        steps += 1
        if steps == last:
            os.kill(os.getpid(), signal.SIGKILL)

    real_sync, real_rename, real_write = os.fsync, Path.rename, Database.write

    def sync(handle: int) -> None:
        step()
        real_sync(handle)

    def rename(self: Path, to: Path) -> Path:
        step()
        moved = real_rename(self, to)
        step()
        return moved

    @contextmanager
    def write(self: Database) -> Iterator[Connection]:
        step()
        with real_write(self) as connection:
            yield connection
            step()  # done but not committed
        step()

    os.fsync, Path.rename, Database.write = sync, rename, write  # type: ignore[assignment, method-assign]


def main(root: Path, url: str) -> None:
    """One fork per line of standard input."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _die_at(int(line))
            with Store.open(site(root, url)) as store:
                work(store, int(line))
            os._exit(THROUGH)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
