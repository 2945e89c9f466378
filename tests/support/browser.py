"""Headless Chromium, driven by the WebDriver protocol, for the tests and the bench of HTML pages."""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the W3C WebDriver standard's key of an element
CHROMIUM = next((p for n in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(n))), None)
DRIVER = shutil.which("chromedriver")


class Browser:
    """A few commands of the WebDriver protocol."""

    def __init__(self, port: int) -> None:
        self.base = f"http://127.0.0.1:{port}"
        flags = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--window-size=1400,1000",
        ]
        options = {"binary": CHROMIUM, "args": flags}
        asked = {"alwaysMatch": {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}}
        self.base += "/session/" + self.call("POST", "/session", {"capabilities": asked})["sessionId"]

    def call(self, method: str, path: str, body: Any = None) -> Any:
        content = None if method == "GET" else json.dumps(body or {}).encode()
        request = urllib.request.Request(self.base + path, content, {"Content-Type": "application/json"}, method=method)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
            return json.load(answer)["value"]

    def open(self, path: Path) -> None:
        self.call("POST", "/url", {"url": path.as_uri()})

    def js(self, code: str, *arguments: Any) -> Any:
        return self.call("POST", "/execute/sync", {"script": code, "args": arguments})

    def find(self, selector: str) -> str:
        element: str = self.call("POST", "/element", {"using": "css selector", "value": selector})[ELEMENT]
        return element

    def click(self, selector: str) -> None:
        self.call("POST", f"/element/{self.find(selector)}/click")

    def type(self, selector: str, text: str) -> None:
        self.call("POST", f"/element/{self.find(selector)}/value", {"text": text})

    def _ask(self, command: str, **params: Any) -> None:
        self.call("POST", "/goog/cdp/execute", {"cmd": command, "params": params})

    @contextmanager
    def screen(self, width: int, height: int, dark: bool) -> Iterator[None]:
        """A screen of this size that prefers dark or light pages."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._ask("Emulation.setEmulatedMedia", features=[scheme])
        self._ask("Emulation.setDeviceMetricsOverride", **size)
        try:
            yield
        finally:
            self._ask("Emulation.clearDeviceMetricsOverride")
            self._ask("Emulation.setEmulatedMedia", features=[])

    @contextmanager
    def paper(self) -> Iterator[None]:
        """The rules of a page that is printed."""
        self._ask("Emulation.setEmulatedMedia", media="print")
        try:
            yield
        finally:
            self._ask("Emulation.setEmulatedMedia", media="")

    def themes(self) -> list[list[str]]:
        """The colours of all elements of the page when it is light, and when it is dark."""
        found = []
        for dark in (False, True):
            self.js("document.documentElement.classList.toggle('dark', arguments[0])", dark)
            of = "({ color, backgroundColor, fill, stroke }) => `${color} ${backgroundColor} ${fill} ${stroke}`"
            found.append(self.js(f"return [...document.querySelectorAll('*')].map(getComputedStyle).map({of})"))
        return found

    def screenshot(self) -> bytes:
        """A PNG of what is on the screen."""
        return base64.b64decode(self.call("GET", "/screenshot"))

    def boxes(self) -> int:
        return int(self.js("return document.getElementById('graph').dataset.boxes"))

    def errors(self) -> list[str]:
        return [e["message"] for e in self.call("POST", "/se/log", {"type": "browser"}) if e["level"] == "SEVERE"]

    def centre(self, selector: str) -> list[float]:
        found: list[float] = self.js(
            "const r = document.querySelector(arguments[0]).getBoundingClientRect();"
            "return [r.left + r.width / 2, r.top + r.height / 2]",
            selector,
        )
        return found


@contextmanager
def started(home: Path) -> Iterator[Browser]:
    """A browser with `home` as its user's folder."""
    assert DRIVER
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    quiet = subprocess.DEVNULL
    driver = subprocess.Popen(
        [DRIVER, f"--port={port}"], stdout=quiet, stderr=quiet, env={**os.environ, "HOME": str(home)}
    )
    try:
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.1)
        session = Browser(port)
        try:
            yield session
        finally:
            session.call("DELETE", "")
    finally:
        driver.terminate()
        driver.wait(10)
