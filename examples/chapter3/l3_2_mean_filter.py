"""L3-2: Gaussian noise, and a mean filter that divides its variance by the number of elements in the window.

python l3_2_mean_filter.py [PHOTO]
"""

import sys

import numpy as np
from pictures import read, write

import minigraph as tf
from minigraph import filters

image = read(sys.argv[1] if len(sys.argv) > 1 else None)
x = tf.constant(image)
noisy = filters.add_gaussian_noise(x, variance=100.0, seed=0)
noise = filters.add_gaussian_noise(tf.zeros([1, 400, 400, 1]), variance=100.0, seed=0)
with tf.Session() as session:
    before, after = session.run([noisy, filters.mean(noisy, size=3)])
    raw, smooth = session.run([noise, filters.mean(noise, size=3)])
print(f"variance of the noise: {np.var(raw):.1f}, after the filter {np.var(smooth):.1f}")
write("mean.png", image, before, after)
