"""L3-3: salt and pepper on 2/21 of the pixels, and a median filter that removes it.

python l3_3_median_filter.py [PHOTO]
"""

import sys

import numpy as np
from pictures import read, write

import minigraph as tf
from minigraph import filters

image = read(sys.argv[1] if len(sys.argv) > 1 else None)
peppered = filters.add_salt_and_pepper(tf.constant(image), 2 / 21, seed=0)
with tf.Session() as session:
    before, median, mean = session.run([peppered, filters.median(peppered), filters.mean(peppered)])
for name, found in (("noisy", before), ("mean", mean), ("median", median)):
    print(f"{name}: mean error {np.abs(found - image).mean():.1f} levels")
write("median.png", image, before, median)
