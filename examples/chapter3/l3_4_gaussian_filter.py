"""L3-4: a Gaussian blur, the high-pass that it leaves, and sharpening.

The kernel has an odd size and sums to 1, unlike the chapter's; the high-pass is the image less its blur.

    python l3_4_gaussian_filter.py [PHOTO]
"""

import sys

import numpy as np
from pictures import read, write

import minigraph as tf
from minigraph import filters

image = read(sys.argv[1] if len(sys.argv) > 1 else None)
x = tf.constant(image)
with tf.Session() as session:
    low, high, sharp = session.run([filters.gaussian(x), filters.high_pass(x), filters.sharpen(x)])
print(f"blur and high-pass add up to the image within {np.abs(low + high - image).max():.5f} levels")
write("gaussian.png", image, low, high + 128, sharp)
