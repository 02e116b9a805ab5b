"""A process that runs one function and tells how long that took and how much memory the process needed.

    python -m benchmarks.child MODULE:FUNCTION '{"argument": …}'

Imports are not in the time; they are in the memory.
"""

from __future__ import annotations

import importlib
import json
import re
import sys
import time
from pathlib import Path


def main(function: str, arguments: str) -> None:
    """Runs the function and prints its sample as one line of JSON, the last one."""
    module, _, name = function.partition(":")
    call = getattr(importlib.import_module(module), name)
    given = json.loads(arguments)
    prepared = call(**given)
    wall, cpu = time.perf_counter(), time.process_time()
    prepared()
    taken = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
    print(json.dumps({**taken, "peak_mib": peak_mib()}))


def peak_mib() -> float:
    """The most memory that this program held; `getrusage` would tell that of the process it was made from."""
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    (peak_kib,) = re.findall(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    return int(peak_kib) / 1024


if __name__ == "__main__":
    main(*sys.argv[1:])
