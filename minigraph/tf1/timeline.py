"""`tensorflow.python.client.timeline`: a traced run for chrome://tracing."""

from __future__ import annotations

import json
from typing import Any


class Timeline:
    """The trace of a run, from `run_metadata.step_stats`."""

    def __init__(self, step_stats: Any, graph: Any = None) -> None:
        self._stats = step_stats

    def generate_chrome_trace_format(self, show_dataflow: bool = True, show_memory: bool = False) -> str:
        """The trace as JSON; times in microseconds."""
        events: list[dict[str, Any]] = []
        for pid, device in enumerate(self._stats.dev_stats):
            events.append({"ph": "M", "pid": pid, "name": "process_name", "args": {"name": device.device}})
            for node in device.node_stats:
                kind = node.timeline_label.partition(" = ")[2].partition("(")[0]
                args = {"name": node.node_name, "op": kind, "label": node.timeline_label}
                event = {"ph": "X", "pid": pid, "tid": 0, "cat": "Op", "name": kind or node.node_name, "args": args}
                start, span = node.all_start_nanos / 1e3, node.all_end_rel_nanos / 1e3
                events.append(event | {"ts": start, "dur": span})
        return json.dumps({"traceEvents": events}, indent=1)
