"""How fast the page of `minigraph viz` opens, unfolds, searches and switches stages in headless Chromium.

    python tests/bench/page.py [--rounds 5]

The page is that of ResNet-50's training step. To open is from navigation to the first picture, by the browser's clock;
the others are from the action to the new picture.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support.browser import Browser, started
from support.networks import resnet50
from support.page import Page

from minigraph.viz.page import page
from minigraph.viz.stages import trace

OPENED = "return +app.svg.dataset.opened"
TIMED = "const started = performance.now(); await (async () => { %s })(); return performance.now() - started;"
ACTIONS = {
    "unfolds": "await app.open('resnet_v1_50/block2/unit_2')",
    "folds": "await app.close('resnet_v1_50/block2/unit_2')",
    "searches": "app.state.query = 'conv2'; app.search()",
    "switches stage": "await app.set({stage: app.data.stages.length - 1 - app.state.stage})",
}


def measure(browser: Browser, path: Path, rounds: int) -> None:
    times: dict[str, list[float]] = {}
    for _ in range(rounds):
        shown = Page(browser, path)
        times.setdefault("opens", []).append(shown.js(OPENED))
        for action, code in ACTIONS.items():
            times.setdefault(action, []).append(shown.js(f"return (async () => {{ {TIMED % code} }})()"))
    found = ", ".join(f"{action} in {statistics.median(ms) / 1000:.2f} s" for action, ms in times.items())
    print(f"{path.stat().st_size / 1e6:.2f} MB, {shown.boxes()} boxes at the start: {found}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    network = resnet50()
    traced = trace(network.graph, [network.train, network.loss], title="resnet-50", batch_size=4)
    with tempfile.TemporaryDirectory() as folder, started(Path(folder)) as browser:
        path = Path(folder) / "resnet-50.html"
        path.write_text(page(traced), "utf-8")
        measure(browser, path, rounds)


if __name__ == "__main__":
    main()
