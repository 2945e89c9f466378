"""Images, under the names of TensorFlow 1's `tf.image`."""

from minigraph.ops.host.image_files import decode_image as decode_image
from minigraph.ops.host.image_files import decode_jpeg as decode_jpeg
from minigraph.ops.host.image_files import decode_png as decode_png
from minigraph.ops.host.image_files import encode_jpeg as encode_jpeg
from minigraph.ops.host.image_files import encode_png as encode_png
from minigraph.ops.image.colour import *
from minigraph.ops.image.crop import *
from minigraph.ops.image.crop_and_resize import *
from minigraph.ops.image.flip import *
from minigraph.ops.image.quality import *
from minigraph.ops.image.random_colour import *
from minigraph.ops.image.resize import *
from minigraph.ops.image.resize_images import *

resize = resize_images
resize_with_crop_or_pad = resize_image_with_crop_or_pad
transpose = transpose_image
per_image_whitening = per_image_standardization
