"""Replaces, gathers and sweeps the same days without end, until it is killed: for who reads at the same time.

Each round gives all days, in both tables, rows of one number; a reader must never see two numbers, a day
missing, or one twice.
"""

import sys
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path

import pyarrow as pa

from callstats.gather import gather
from callstats.store import ConflictError, Store
from tests.callstats.facts import calls, messages, site

FIRST = date(2026, 2, 3)  # of a month that ended long before `LATER`
DAYS = [FIRST + timedelta(days=n) for n in range(3)]
LATER = datetime(2026, 6, 1, tzinfo=UTC)


def later() -> datetime:
    """The clock: it goes on, so that leases end, from a day on which the month is settled."""
    return LATER + (datetime.now(UTC) - datetime(2026, 1, 1, tzinfo=UTC))


def replace(store: Store, number: int) -> None:
    """All days get rows of this number."""
    names = [f"{number}-a", f"{number}-b"]
    store.replace_days(
        DAYS,
        {
            "calls": pa.concat_tables([calls(day, *names) for day in DAYS]),
            "messages": pa.concat_tables([messages(day, *names) for day in DAYS]),
        },
    )


def main(root: Path, url: str, start: int) -> None:
    """Goes on from a number."""
    with Store.open(site(root, url), later) as store:
        for number in count(start):
            try:
                replace(store, number)
                gather(store, all_of_it=True)
            except ConflictError:
                continue
            store.sweep(timedelta(0))
            print(number, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
