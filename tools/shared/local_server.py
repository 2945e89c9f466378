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

    One request is answered at a time.
    """
    lock = Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with lock:
                found = answer(self.path)
            kind, content = found or ("text/plain", b"")
            self.send_response(404 if found is None else 200)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            with contextlib.suppress(ConnectionError):
                self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
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
