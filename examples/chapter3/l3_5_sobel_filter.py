"""L3-5: Sobel's gradients along the columns and along the rows, and their magnitude.

python l3_5_sobel_filter.py [PHOTO]
"""

import sys

import numpy as np
from pictures import read, write

import minigraph as tf
from minigraph import filters

image = read(sys.argv[1] if len(sys.argv) > 1 else None)
x = tf.constant(image)
with tf.Session() as session:
    across, down, size = session.run([filters.sobel_x(x), filters.sobel_y(x), filters.sobel(x)])
print(f"magnitude is √(Gx² + Gy²) within {np.abs(np.hypot(across, down) - size).max():.5f}")
write("sobel.png", image, 128 + across / 8, 128 + down / 8, size / 4)
