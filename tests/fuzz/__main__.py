"""`make fuzz`: checks random programs for some minutes, from where the last call stopped."""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from pathlib import Path

from fuzz.campaign import Campaign


def main() -> None:
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, help="the first seed; by default the one after the last of the folder")
    parser.add_argument("--count", type=int, help="the number of seeds; by default as many as there is time for")
    parser.add_argument("--folder", type=Path, default=Path("runs/fuzz"))
    known = "numpy,llvm,cupy" if shutil.which("g++") else "numpy,llvm"
    parser.add_argument("--backends", default=known, help="numpy, llvm, cupy (on a device that g++ makes of the CPU)")
    options = parser.parse_args()
    campaign = Campaign(options.folder, options.seed)
    before = len(campaign.findings)
    print(f"first seed {campaign.next}, folder {options.folder}", flush=True)
    last = None if options.count is None else campaign.next + options.count
    campaign.search(time.monotonic() + 60 * options.minutes, last, tuple(options.backends.split(",")))
    print(f"{campaign.checked} programs in {campaign.seconds / 3600:.2f} hours")
    sys.exit(len(campaign.findings) > before)


if __name__ == "__main__":
    main()
