"""The brightness of colour pictures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_SHARES = (0.299, 0.587, 0.114)  # of red, green and blue in the luma (ITU-R BT.601)


def luma(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """The luma [..., 1] of pixels [..., 3] of red, green and blue."""
    return pixels @ np.array(_SHARES, np.float32)[:, None]
