"""What a page of `minigraph viz` contains, and how a browser shows it."""

from __future__ import annotations

import base64
import json
import re
import time
import zlib
from pathlib import Path
from typing import Any

from support.browser import Browser

_SIGHTS = Path(__file__).with_name("page_sights.js").read_text("utf-8")
_FAULTS = Path(__file__).with_name("page_faults.js").read_text("utf-8")


def embedded(text: str) -> dict[str, Any]:
    """The data in a page."""
    found = re.search(r'<script id="data" type="application/octet-stream">(.*?)</script>', text, re.DOTALL)
    assert found
    data: dict[str, Any] = json.loads(zlib.decompress(base64.b64decode(found[1]), -15))
    return data


class Page:
    """A page in a browser: the file `path`, or else what the browser shows already."""

    def __init__(self, browser: Browser, path: Path | None = None) -> None:
        self.browser = browser
        if path is not None:
            browser.open(path)
        self.settle()

    def settle(self, seconds: float = 60) -> None:
        """Wait until the page shows what was asked for last."""
        ready = "return !!(window.app && app.svg.dataset.opened && +app.svg.dataset.turn === app.turn)"
        end = time.monotonic() + seconds
        while not self.browser.js(ready):
            assert time.monotonic() < end, self.browser.errors()
            time.sleep(0.02)

    def do(self, code: str, *arguments: Any) -> None:
        """Run a statement and wait for the new picture."""
        self.browser.js(code, *arguments)
        self.settle()

    def js(self, code: str, *arguments: Any) -> Any:
        return self.browser.js(code, *arguments)

    def key(self, key: str) -> None:
        self.do("app.svg.dispatchEvent(new KeyboardEvent('keydown', {key: arguments[0], bubbles: true}))", key)

    def click(self, selector: str) -> None:
        self.browser.click(selector)
        self.settle()

    def boxes(self) -> int:
        return self.browser.boxes()

    def panel(self) -> str:
        text: str = self.js("return document.getElementById('panel').innerText")
        return text

    def sights(self) -> list[str]:
        """Sentences on parts of the page that overlap or leave the screen, and on texts that are hard to read."""
        found: list[str] = self.js(_SIGHTS)
        return found

    def faults(self) -> list[str]:
        """Sentences on overlapping boxes and labels, and on arrows that cross boxes of others."""
        found: list[str] = self.js(_FAULTS)
        return found
