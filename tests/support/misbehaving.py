"""A server and a disk that misbehave on request."""

from __future__ import annotations

import errno
import http.server
import io
import os
import threading
import time
from collections.abc import Mapping
from typing import Any, Self


class FullDisk(io.FileIO):
    """A raw file on a disk with no room left."""

    def write(self, data: object, /) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class Server(http.server.ThreadingHTTPServer):
    """Serves `files` on 127.0.0.1; the other fields say how badly."""

    daemon_threads = True

    def __init__(self, files: Mapping[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = dict(files)
        self.ranges = True  # obey Range
        self.etag: str | None = None
        self.length = True  # send Content-Length
        self.cuts: list[int] = []  # for each answer to come: close after so many bytes
        self.shift = 0  # answer ranges from elsewhere
        self.endless = False
        self.drip = 0.0  # seconds between the bytes of an answer
        self.log: list[tuple[str, str | None, int]] = []  # path, Range, status

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/"

    def __enter__(self) -> Self:
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.thread.join()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a client that hung up


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        server, wanted = self.server, self.headers["Range"]
        data = server.files.get(self.path)
        status, start = 200, 0
        if data is None:
            status, data = 404, b"no"
        elif wanted and server.ranges and self.headers["If-Range"] in (None, server.etag):
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            status = 206 if start < len(data) else 416
        server.log.append((self.path, wanted, status))
        self.send_response(status)
        if status == 206:
            start += server.shift
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        if server.etag and status in (200, 206):
            self.send_header("ETag", server.etag)
        body = data[start:]
        if server.length and not server.endless:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        while server.drip and body:
            self.wfile.write(body[:1])
            body = body[1:]
            time.sleep(server.drip)
        while server.endless:
            self.wfile.write(bytes(1 << 16))
        self.wfile.write(body[: server.cuts.pop(0)] if server.cuts else body)

    def log_message(self, *_: object) -> None:
        pass
