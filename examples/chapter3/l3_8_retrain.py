"""L3-8: a new last layer for a trained network, on folders of photographs.

The same as the command `minigraph retrain`, which splits the images by their names, keeps the bottlenecks in a cache,
and writes the retrained network with its labels. The chapter takes Inception v3; its weights are not part of minigraph.

    python l3_8_retrain.py IMAGE_DIR WEIGHTS [MODEL] [OPTION]...
"""

import sys

from minigraph.tools.cli import main

if len(sys.argv) < 3:
    sys.exit(__doc__)
folder, weights, *rest = sys.argv[1:]
model = rest.pop(0) if rest and not rest[0].startswith("-") else "inception-v3"
main(["retrain", "--image-dir", folder, "--model", model, "--weights", weights, *rest])
