"""L3-1: a 7×7 image and a 3×3 kernel, convolved with zeros around the image.

python l3_1_convolution.py
"""

import numpy as np

import minigraph as tf

image = np.arange(1, 50).reshape(7, 7)
kernel = np.array([[-1, 1, -1], [-2, 3, 1], [2, -4, 0]])  # the one that gives the chapter's result

result = tf.nn.convolve2d(image, kernel, mode="same")
with tf.Session() as session:
    print(session.run(result))
