"""Neural-network functions, under the names of TensorFlow 1's `tf.nn`."""

from minigraph.core.habits import advise as _advise
from minigraph.ops.image.edges import *
from minigraph.ops.image.median import *
from minigraph.ops.math.matmul import xw_plus_b as xw_plus_b
from minigraph.ops.math.ranking import *
from minigraph.ops.math.trigonometric import tanh as tanh
from minigraph.ops.nn.activation import *
from minigraph.ops.nn.avg_pool import *
from minigraph.ops.nn.bias import *
from minigraph.ops.nn.conv2d import *
from minigraph.ops.nn.conv3d import *
from minigraph.ops.nn.conv3d_transpose import *
from minigraph.ops.nn.conv_transpose import *
from minigraph.ops.nn.convolution import *
from minigraph.ops.nn.convolve import *
from minigraph.ops.nn.cross_entropy import *
from minigraph.ops.nn.depthwise import *
from minigraph.ops.nn.dropout import *
from minigraph.ops.nn.embedding import *
from minigraph.ops.nn.loss import *
from minigraph.ops.nn.lrn import *
from minigraph.ops.nn.max_pool import *
from minigraph.ops.nn.norm import *
from minigraph.ops.nn.pool_nd import *
from minigraph.ops.nn.softmax import *
from minigraph.ops.nn.statistics import *

avg_pool2d = avg_pool
lrn = local_response_normalization
_advise(__name__)
