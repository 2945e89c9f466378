"""Data sets and batches: MNIST, Fashion-MNIST, CIFAR-10, IDX files, folders of images, mini-batches.

Gives arrays, never tensors. Imports `core` and `util` only.
"""

from minigraph.data.batches import Batches
from minigraph.data.dataset import Dataset
from minigraph.data.download import fetch_mnist
from minigraph.data.folders import ImageFolder, read_image_folder
from minigraph.data.generators import batch, shuffle_batch
from minigraph.data.idx import read_idx, write_idx
from minigraph.data.images import Distortions, load_image
from minigraph.data.named import fetch, load
from minigraph.data.prefetch import LoadedBatches, Prefetch

__all__ = [
    "Batches",
    "Dataset",
    "Distortions",
    "ImageFolder",
    "LoadedBatches",
    "Prefetch",
    "batch",
    "fetch",
    "fetch_mnist",
    "load",
    "load_image",
    "read_idx",
    "read_image_folder",
    "shuffle_batch",
    "write_idx",
]
