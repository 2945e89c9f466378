"""Cost of moving data on one machine, which decides where Winograd convolution pays."""

from __future__ import annotations

from typing import NamedTuple


class Costs(NamedTuple):
    """Costs of a moved byte, in floating-point operations of a large matrix product.

    tiles: a byte of a tile. filters: of a transformed filter. columns: of the direct form's column matrix.
    full: the channel count from which transforms run at full speed; with fewer channels they cost as much.
    multiple: kernels exist for channel counts that are multiples of this number.

    The defaults hold for NumPy on two cores with AVX2, where such a product does 150e9 operations a second, and data
    passes through the cache at 33e9 bytes a second. tests/bench/choices.py compares the choices that follow from the
    costs with the fastest ones.
    """

    tiles: float = 4.5
    filters: float = 4.5
    columns: float = 4.5
    full: int = 1
    multiple: int = 1


USUAL = Costs()
