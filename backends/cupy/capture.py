"""Plans that become one CUDA graph each, launched by one call a run."""

from __future__ import annotations

import os
from typing import Any

from minigraph.backend import Launch
from minigraph.compile.plan import Plan

SWITCH = "MINIGRAPH_CUDA_GRAPHS"  # 0 leaves all plans as they are


class CupyPlan(Plan):
    """The first run after a binding is an ordinary one: it compiles the kernels and makes the libraries ready. The
    second is captured, which runs nothing and so changes no variable, and from then on the graph is launched.

    A plan with a host call is never captured; `declined` says why a plan is not, once that is known.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        self.declined: str | None = None
        super().__init__(*args, **options)
        if os.environ.get(SWITCH) == "0":
            self.declined = f"{SWITCH} is 0"
        elif calls := [s.instr.name for s in self.steps if s.lowered.fallback]:
            self.declined = f"host calls: {', '.join(calls)}"

    def unbind(self) -> None:
        super().unbind()
        self._warm: list[Launch] | None = None  # the launches that ran once
        self._captured: list[Launch] | None = None  # the launches that `_graph` holds
        self._graph: Launch | None = None

    def _launch_all(self) -> None:
        launches = self._launches
        if self._warm is launches and self._graph is None and self.declined is None and launches:
            self._capture()
        if self._graph is not None and self._captured is launches:
            self._graph()
            return
        super()._launch_all()
        self._warm = launches

    def _capture(self) -> None:
        try:
            self._graph = self.backend.device.capture(super()._launch_all)  # type: ignore[attr-defined]
            self._captured = self._launches
        except Exception as error:
            self.declined = f"the capture failed: {error}"
