"""How fast the page of `minigraph viz` opens, unfolds, searches and switches stages in headless Chromium.

    python tests/bench/page.py [--rounds 5] [--wait SECONDS] [PAGE.html ...]

With pages, such as those of two versions, it measures these in turn; `--write PAGE.html` writes that of this version.

The page is that of ResNet-50's training step. To open is from navigation to the first picture, by the browser's clock;
the others are from the action to the new picture, at once, and where the pointer comes 0.3 s before the click, during
which the page prepares the picture. --wait: seconds between opening and the actions, in which the page prepares stages.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support.browser import Browser, started
from support.networks import resnet50
from support.page import Page

from minigraph.viz.page import page
from minigraph.viz.stages import trace

OPENED = "return +app.svg.dataset.opened"
TIMED = "const started = performance.now(); await (async () => { %s })(); return performance.now() - started;"
UNFOLD = "await app.open('resnet_v1_50/block2/unit_2')"
SWITCH = "await app.set({stage: app.data.stages.length - 1})"
ACTIONS = {
    "unfolds": UNFOLD,
    "folds": "await app.close('resnet_v1_50/block2/unit_2')",
    "searches": "app.state.query = 'conv2'; app.search()",
    "switches stage": SWITCH,
}
COMES = (
    "%s.dispatchEvent(new PointerEvent('pointerover', {bubbles: true})); await new Promise(r => setTimeout(r, 300));"
)
POINTED = {
    "unfolds": (COMES % "document.querySelector('[data-open=\"resnet_v1_50/block2/unit_2\"]')", UNFOLD),
    "switches stage": (COMES % "app.stages.buttons.at(-1)", SWITCH),
}


def measure(browser: Browser, paths: Sequence[Path], rounds: int, wait: float) -> None:
    times: dict[Path, dict[str, list[float]]] = {path: {} for path in paths}

    def timed(found: dict[str, list[float]], shown: Page, name: str, before: str, code: str) -> None:
        found.setdefault(name, []).append(shown.js(f"return (async () => {{ {before} {TIMED % code} }})()"))

    for path in [path for _ in range(rounds) for path in paths]:
        shown, found = Page(browser, path), times[path]
        found.setdefault("opens", []).append(shown.js(OPENED))
        time.sleep(wait)
        for action, code in ACTIONS.items():
            timed(found, shown, action, "", code)
        for action, (before, code) in POINTED.items():
            timed(found, Page(browser, path), f"{action} under the pointer", before, code)
    for path, found in times.items():
        told = ", ".join(f"{action} in {statistics.median(ms) / 1000:.2f} s" for action, ms in found.items())
        print(f"{path.name}, {path.stat().st_size / 1e6:.2f} MB: {told}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--wait", type=float, default=0.0)
    parser.add_argument("--write", type=Path)
    parser.add_argument("pages", type=Path, nargs="*")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        pages = [path.resolve() for path in asked.pages]
        if not pages:
            network = resnet50()
            traced = trace(network.graph, [network.train, network.loss], title="resnet-50", batch_size=4)
            pages = [asked.write or Path(folder) / "resnet-50.html"]
            pages[0].write_text(page(traced), "utf-8")
        if not asked.write:
            with started(Path(folder)) as browser:
                measure(browser, pages, asked.rounds, asked.wait)


if __name__ == "__main__":
    main()
