"""Mathematical functions, under the names of TensorFlow 1's `tf.math`."""

from minigraph.ops.array.arrays import count_nonzero as count_nonzero
from minigraph.ops.math.add_n import *
from minigraph.ops.math.algebra import confusion_matrix as confusion_matrix
from minigraph.ops.math.algebra import reduce_std as reduce_std
from minigraph.ops.math.algebra import reduce_variance as reduce_variance
from minigraph.ops.math.argmax import *
from minigraph.ops.math.arithmetic import *
from minigraph.ops.math.comparison import *
from minigraph.ops.math.cumulative import *
from minigraph.ops.math.elementary import *
from minigraph.ops.math.erf import *
from minigraph.ops.math.exponential import *
from minigraph.ops.math.extremes import *
from minigraph.ops.math.finite import *
from minigraph.ops.math.integer_division import floordiv as floordiv
from minigraph.ops.math.integer_division import floormod as floormod
from minigraph.ops.math.ranking import in_top_k as in_top_k
from minigraph.ops.math.ranking import top_k as top_k
from minigraph.ops.math.reduce import *
from minigraph.ops.math.reduce_extremes import *
from minigraph.ops.math.reduce_product import *
from minigraph.ops.math.rounding import *
from minigraph.ops.math.scaling import *
from minigraph.ops.math.segment_reductions import *
from minigraph.ops.math.segments import segment_sum as segment_sum
from minigraph.ops.math.segments import unsorted_segment_sum as unsorted_segment_sum
from minigraph.ops.math.trigonometric import *
from minigraph.ops.nn.activation import log_sigmoid as log_sigmoid
from minigraph.ops.nn.activation import sigmoid as sigmoid
from minigraph.ops.nn.activation import softplus as softplus
from minigraph.ops.nn.activation import softsign as softsign
from minigraph.ops.nn.norm import l2_normalize as l2_normalize
from minigraph.ops.nn.softmax import log_softmax as log_softmax
from minigraph.ops.nn.softmax import softmax as softmax
from minigraph.ops.nn.statistics import zero_fraction as zero_fraction

mod = floormod
