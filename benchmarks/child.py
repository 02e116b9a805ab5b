"""A process that runs one function and tells how long that took and how much memory the process needed.

    python -m benchmarks.child MODULE:FUNCTION '{"argument": …}'

Imports are not in the time; they are in the memory.
"""

from __future__ import annotations

import importlib
import json
import resource
import sys
import time


def main(function: str, arguments: str) -> None:
    """Runs the function and prints its sample as one line of JSON, the last one."""
    module, _, name = function.partition(":")
    call = getattr(importlib.import_module(module), name)
    given = json.loads(arguments)
    prepared = call(**given)
    wall, cpu = time.perf_counter(), time.process_time()
    prepared()
    taken = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({**taken, "peak_mib": peak_kib / 1024}))


if __name__ == "__main__":
    main(*sys.argv[1:])
