"""A process that has imported minigraph, and forks a child for each command: what a command imports anyway is imported
once. `support.program` starts it, and asks for commands by lines of JSON."""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

import minigraph.backends.numpy
import minigraph.run.session
import minigraph.tf1
import minigraph.tools.run  # noqa: F401
from minigraph.tools.cli import main


def serve() -> dict[str, Any] | None:
    """Fork for each request and answer with the child's exit code; the request in the child, None at the end."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            request: dict[str, Any] = json.loads(line)
            return request
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)
    return None


def run(request: dict[str, Any]) -> None:
    """Be the process of a command, with its folder, its environment, and files for its output."""
    for descriptor, path in enumerate((os.devnull, request["stdout"], request["stderr"])):
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), descriptor)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    signal.alarm(request["seconds"])
    sys.path[0] = ""
    sys.argv = ["-c", *request["arguments"]]
    main()


if __name__ == "__main__" and (request := serve()) is not None:
    run(request)
