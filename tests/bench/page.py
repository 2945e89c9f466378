"""How fast the page of `minigraph viz --html` opens, unfolds and folds in headless Chromium.

    python tests/bench/page.py [--rounds 5]

One page of a chain of 1,000 ops in scopes of ten, and one of ResNet-50's training step. To open is from navigation to
the page's load event, by the browser's clock; to fold or unfold all is the click and the layout after it.
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

import minigraph as tf
from minigraph.viz.page import page
from minigraph.viz.stages import trace

OPEN = "const n = performance.getEntriesByType('navigation')[0]; return n.loadEventEnd - n.startTime"
CLICK = """
const started = performance.now();
document.getElementById(arguments[0]).click();
document.getElementById('graph').getBoundingClientRect();
return performance.now() - started;
"""


def chain(length: int = 1000) -> str:
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [None, 8])
        for block in range(length // 10):
            with tf.name_scope(f"block{block}"):
                for _ in range(10):
                    x = tf.nn.relu(x)
        return page(trace(graph, [x], title="chain", batch_size=4))


def residual() -> str:
    network = resnet50()
    return page(trace(network.graph, [network.train, network.loss], title="resnet-50", batch_size=4))


def measure(browser: Browser, path: Path, rounds: int) -> None:
    times: dict[str, list[float]] = {}
    for _ in range(rounds):
        browser.open(path)
        times.setdefault("opens", []).append(browser.js(OPEN))
        for what, button in (("unfolds", "unfoldall"), ("folds", "foldall")):
            times.setdefault(what, []).append(browser.js(CLICK, button))
            if what == "unfolds":
                boxes = browser.boxes()
    found = ", ".join(f"{what} in {statistics.median(ms) / 1000:.2f} s" for what, ms in times.items())
    print(f"{path.stem}, {boxes:,} boxes: {found}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder, started(Path(folder)) as browser:
        for name, text in (("chain", chain()), ("resnet-50", residual())):
            path = Path(folder) / f"{name}.html"
            path.write_text(text, "utf-8")
            measure(browser, path, rounds)


if __name__ == "__main__":
    main()
