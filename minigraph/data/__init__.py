"""Data sets and batches: `load` the MNIST digits, `fetch_mnist`, read IDX files, make `Batches`."""

from minigraph.data.batches import Batches
from minigraph.data.download import fetch_mnist
from minigraph.data.idx import read_idx, write_idx
from minigraph.data.mnist import Dataset, load

__all__ = ["Batches", "Dataset", "fetch_mnist", "load", "read_idx", "write_idx"]
