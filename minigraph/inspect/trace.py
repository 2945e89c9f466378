"""The times of a traced run, as TensorFlow's `RunMetadata` message."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from minigraph.core.arguments import refuse
from minigraph.core.protos import proto

if TYPE_CHECKING:
    from minigraph.inspect.profile import Profile


class RunOptions:
    """Options of `Session.run`.

    Args:
        trace_level: With any level above NO_TRACE, the run writes its times to the argument `run_metadata` of
            `Session.run`.
        timeout_in_ms, inter_op_thread_pool, report_tensor_allocations_upon_oom: TensorFlow 1's; they have no effect: a
            run waits for nothing, its results do not depend on threads, and its errors tell sizes in any case.
        output_partition_graphs, debug_options: Not supported; they must be False and None.

    Raises:
        ValueError: `trace_level` is unknown, or an argument is not supported.

    Example:
        >>> options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
        >>> metadata = tf.RunMetadata()
        >>> value = tf.Session().run(tf.square(3.0), options=options, run_metadata=metadata)
        >>> len(metadata.step_stats.dev_stats)
        1
    """

    NO_TRACE, SOFTWARE_TRACE, HARDWARE_TRACE, FULL_TRACE = range(4)

    def __init__(
        self, trace_level: int = NO_TRACE, timeout_in_ms: int = 0, inter_op_thread_pool: int = 0,
        output_partition_graphs: bool = False, debug_options: Any = None,
        report_tensor_allocations_upon_oom: bool = False,
    ) -> None:  # fmt: skip
        refuse("tf.RunOptions", output_partition_graphs=output_partition_graphs, debug_options=debug_options)
        if trace_level not in range(4):
            raise ValueError(f"trace_level must be one of RunOptions' four, not {trace_level!r}")
        self.trace_level = trace_level
        self.timeout_in_ms = timeout_in_ms


def fill_run_metadata(metadata: Any, profile: Profile, device: str) -> None:
    """Write the launches of one run in sequence to a `RunMetadata`: names, times, and bytes written.

    Times are in microseconds, as everywhere in `StepStats`.
    """
    kind = proto("step_stats", "NodeExecStats")
    metadata.Clear()
    start = time.time() - profile.seconds + profile.feed_seconds
    stats = metadata.step_stats.dev_stats.add(device=device)
    for launch in profile.launches:
        micros, nanos = int(start * 1e6), round(launch.seconds * 1e9)
        node = kind(
            node_name=launch.node,
            timeline_label=f"{launch.node} = {launch.op}({', '.join(launch.inputs)})",
            all_start_micros=micros,
            op_end_rel_micros=nanos // 1000,
            all_end_rel_micros=nanos // 1000,
            all_start_nanos=int(start * 1e9),
            op_end_rel_nanos=nanos,
            all_end_rel_nanos=nanos,
        )
        node.output.add().tensor_description.allocation_description.requested_bytes = launch.bytes_written
        stats.node_stats.append(node)
        start += launch.seconds
