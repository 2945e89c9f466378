"""A page on this machine for a browser."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import click

from minigraph.util.locks import Lock

Answer = Callable[[str], tuple[str, bytes] | None]


def local_server(answer: Answer) -> ThreadingHTTPServer:
    """A server on 127.0.0.1, on a free port. answer: the type and content of a path, or None if it does not exist.

    One request is answered at a time. A request under another host's name is refused, so that no foreign site can read
    the page through a name that it lets point here. An error of `answer` is sent to the page with status 500.
    """
    lock = Lock()
    hosts: set[str] = set()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, kind, content = self.answered()
            self.send_response(status)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            with contextlib.suppress(ConnectionError):
                self.wfile.write(content)

        def answered(self) -> tuple[int, str, bytes]:
            if self.headers.get("Host") not in hosts:
                return 403, "text/plain", b"another host"
            try:
                with lock:
                    found = answer(self.path)
            except Exception as error:
                return 500, "text/plain", f"{type(error).__name__}: {error}".encode()
            return (404, "text/plain", b"") if found is None else (200, *found)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hosts.update(f"{name}:{server.server_port}" for name in ("127.0.0.1", "localhost"))
    return server


def serve(server: ThreadingHTTPServer, name: str) -> None:
    """Say the address, open a browser if there is a screen, and serve until Ctrl-C."""
    address = f"http://127.0.0.1:{server.server_port}/"
    click.echo(f"{name} is shown at {address} until Ctrl-C")
    if has_screen():
        click.launch(address)
    with server, contextlib.suppress(KeyboardInterrupt):
        server.serve_forever()


def has_screen() -> bool:
    """Whether a browser could show a page."""
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
