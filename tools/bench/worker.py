"""A candidate in its own process, so that no framework's threads or memory disturb another's.

It writes a line of JSON when it is ready, then answers each line of standard input with one: to `step` with the seconds
of a timed step, which follows an untimed one that refills the caches; to anything else with its peak memory, and ends.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import sys
import time
from typing import Any

from minigraph.tools.bench.candidates import Candidate
from minigraph.tools.bench.workloads import get_workload


def main() -> None:
    framework, variant, precision, workload, started = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # output of the frameworks must not mix with answers

    def answer(**values: Any) -> None:
        answers.write(json.dumps(values) + "\n")
        answers.flush()

    try:
        step, parameters = Candidate(framework, variant, precision).make(get_workload(workload))
        step()
    except Exception as error:
        answer(error=f"{type(error).__name__}: {error}")
        return
    answer(parameters=parameters, first=time.time() - float(started))
    gc.disable()
    for line in sys.stdin:
        if line.strip() != "step":
            break
        step()
        begun = time.perf_counter()
        step()
        answer(seconds=time.perf_counter() - begun)
    answer(peak=_peak())


def _peak() -> int:
    """Peak resident memory of this process in bytes."""
    try:
        with open("/proc/self/status") as file:
            found = next(line.split()[1] for line in file if line.startswith("VmHWM"))
        return int(found) * 1024
    except OSError:
        unit = 1 if sys.platform == "darwin" else 1024  # bytes there, else KiB
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


if __name__ == "__main__":
    main()
