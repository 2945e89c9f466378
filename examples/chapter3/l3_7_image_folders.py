"""L3-7: photographs in three folders.

With `--as-printed` it makes the chapter's two mistakes: after the division by 255 the pixels are cast back to whole
numbers, so the network sees black, and batches are cut by the number of the epoch instead of the batch. The cost then
stays at the entropy of the classes' shares, which is what guessing by the shares costs; minigraph's warnings say why.

    python l3_7_image_folders.py [--image-dir FOLDER] [--as-printed] [--epochs 200] [--batch-size 128] [--width 1]
"""

import argparse
from pathlib import Path

import folders
import network7
import numpy as np

import minigraph as tf

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--image-dir", type=Path, default=Path("pictures"), help="made if it does not exist")
parser.add_argument("--as-printed", action="store_true")
parser.add_argument("--epochs", type=int, default=200)
parser.add_argument("--batch-size", type=int, default=128)
parser.add_argument("--learning-rate", type=float, default=0.01)
parser.add_argument("--size", type=int, default=64, help="side of the pictures")
parser.add_argument("--width", type=float, default=1.0, help="factor of the numbers of maps and units")
parser.add_argument("--pictures", type=int, default=640, help="how many to make")
options = parser.parse_args()

if not options.image_dir.exists():
    folders.make(options.image_dir, options.pictures)
images, labels = folders.read(options.image_dir, options.size)
images = (images / 255.0).astype(np.uint8 if options.as_printed else np.float32)
shares = labels.mean(axis=0)
print(f"entropy of the shares {-np.sum(shares * np.log(shares)):.4f} largest share {shares.max():.4f}")

tf.set_random_seed(0)
net = network7.build(options.size, options.width, options.learning_rate)
count = len(images) // options.batch_size
with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    for epoch in range(options.epochs):
        order = np.random.RandomState(epoch).permutation(len(images))
        for number in range(count):
            if options.as_printed:
                batch = slice(epoch * options.batch_size, (epoch + 1) * options.batch_size)
            else:
                batch = order[number * options.batch_size : (number + 1) * options.batch_size]
            feeds = {net.images: images[batch], net.labels: labels[batch], net.keep_prob: 0.5}
            _, last = session.run([net.train, net.cost], feeds)
        cost, accuracy = session.run([net.cost, net.accuracy], {net.images: images, net.labels: labels})
        print(f"epoch {epoch + 1} last batch {last:.4f} cost {cost:.4f} accuracy {accuracy:.4f}")
