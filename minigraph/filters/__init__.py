"""Image filters as graphs. Each function takes floating-point images [N,H,W,C], and filters each channel by itself.

Filtering is true convolution, y(n1,n2) = Σ Σ x(k1,k2)·h(n1−k1,n2−k2), as in signal processing. All filters are linear
and shift-invariant but median, Canny, Wiener, and the magnitudes of gradients.
"The chapter" in docstrings is the textbook chapter on convolutional networks that these filters come from. Where it
errs, they follow the corrected statement. (It calls median and Canny linear; for neither is the result of a sum the sum
of the results.)

Imports ops only: filters make no variables and know no session.
"""

from minigraph.filters.edges import *
from minigraph.filters.kernels import *
from minigraph.filters.noise import *
from minigraph.filters.smoothing import *
