"""`minigraph run` for programs of another time: Python 2, notebooks, names that NumPy, SciPy and TensorFlow dropped.

Tests `tools/program.py` and `tf1/before_1_0.py`.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from support.program import run

from minigraph.core.types import Dimension
from minigraph.tools import scipy_misc
from minigraph.tools.environment import make_keras_folder
from minigraph.tools.notebook import NotebookError, notebook_source, without_magics
from minigraph.tools.python2 import compile_divisions, divide, find_lines, translate

PYTHON2 = """\
import tensorflow as tf
size = 28
print 'start', size
for i in xrange(2):
    print "step %d" % i
for key, value in {'a': 1}.iteritems():
    print(key)
try:
    x = tf.zeros([size / 2, size * size / 4])
except ValueError, e:
    raise ValueError, 'text'
print x.get_shape()
half = 1.0 / 2  # `not` a <> b; xrange(3)
"""


def test_lines_for_python_2_are_named() -> None:
    pytest.importorskip("fissix")
    assert [line.number for line in find_lines(PYTHON2)] == [3, 4, 5, 6, 10, 11, 12]


@pytest.mark.parametrize(
    "line",
    ["for i in xrange(3): pass", "d.iteritems()", "d.has_key(1)", "import cPickle", "print >>f, 3", "x = unicode(y)"],
)
def test_lines_that_python_3_can_parse_but_not_run(line: str) -> None:
    assert [found.number for found in find_lines(f"a = 1\n{line}\n")] == [2]


@pytest.mark.parametrize(
    "source",
    [
        "import tensorflow as tf\nprint('a', 3 / 4)\n# print x\ns = 'print x'\n",
        "from six.moves import xrange\nfor i in xrange(3): pass\n",
        "print(a if b else c)\nprint (x)\nprint(f(x), [y / 2])\nx = print\n",
        "try:\n    text = unicode\nexcept NameError:\n    text = str\n",
        "import sys\nif sys.version_info[0] < 3:\n    import cPickle as pickle\n",
        "six.iteritems(d)\n",
        "neither Python 2 nor Python 3\n",
    ],
)
def test_programs_that_python_3_runs_have_no_such_lines(source: str) -> None:
    assert not find_lines(source)


def test_functions_for_python_2_that_are_not_called_do_no_harm(tmp_path: Path) -> None:
    source = "def count(d):\n    return reduce(max, d.itervalues())\nprint(3)\n"
    assert [(line.number, line.deferred) for line in find_lines(source)] == [(2, True), (2, True)]
    done = run(tmp_path, source)
    assert done.stdout == "3\n", done.stderr
    assert "line 2: return reduce(max, d.itervalues())\n      reduce is in functools" in done.stderr
    called = run(tmp_path, source + "count({})\n")
    assert called.returncode == 1
    assert "name 'reduce' is not defined" in called.stderr


def test_programs_for_python_2_are_refused_or_translated(tmp_path: Path) -> None:
    pytest.importorskip("fissix")
    refused = run(tmp_path, PYTHON2)
    assert refused.returncode == 1
    assert "line 4: for i in xrange(2):" in refused.stderr
    assert "--from-python2" in refused.stderr
    done = run(tmp_path, PYTHON2, before=("--from-python2",))
    assert done.stdout == "start 28\nstep 0\nstep 1\na\n(14, 196)\n", done.stderr
    assert "+for i in range(2):" in done.stderr
    assert "1.0 / 2" in translate(PYTHON2)


def test_modules_of_the_program_are_translated_and_checked(tmp_path: Path) -> None:
    pytest.importorskip("fissix")
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").write_text("import inner\n")
    (tmp_path / "package" / "inner.py").write_text("import tensorflow as tf\nvalue = tf.nonsense if 0 else 9 / 2\n")
    (tmp_path / "beside.py").write_text("def half(x):\n    print 'half of', x\n    x /= 2\n    return x\n")
    source = "import beside, package\nprint(beside.half(5))\nprint(package.inner.value, (1 / 2) * 2.0)\n"
    done = run(tmp_path, source, before=("--from-python2",))
    assert done.stdout == "half of 5\n2\n(4, 0.0)\n", done.stderr
    refused = run(tmp_path, source)
    assert "beside.py is written for Python 2" in refused.stderr
    checked = run(tmp_path, source, before=("--from-python2", "--check"))
    assert checked.returncode == 1
    assert "tf.nonsense" in checked.stdout


def test_division_of_whole_numbers() -> None:
    """Python 2 and its NumPy give 3, -4, 3.5, 3, [0 0 1] and 2."""
    assert [divide(a, b) for a, b in ((7, 2), (-7, 2), (7, 2.0), (np.int64(7), 2))] == [3, -4, 3.5, 3]
    assert divide(np.arange(3), 2).tolist() == [0, 0, 1]
    assert divide(Dimension(5), 2) == 2
    names: dict[str, object] = {}
    exec(compile_divisions("a = [9]\na[0] /= 2\nb = 7 / 2\n", "p.py"), names)
    exec(compile_divisions("from __future__ import division\nc = 7 / 2\n", "p.py"), names)
    assert (names["a"], names["b"], names["c"]) == ([4], 3, 3.5)


# the environment


def test_slims_networks_are_supplied(tmp_path: Path) -> None:
    source = (
        "import tensorflow as tf\nfrom nets import inception, resnet_v1\nimport nets.mobilenet_v1\n"
        "print(resnet_v1 is tf.contrib.slim.nets.resnet_v1, inception.inception_v4.default_image_size)\n"
        "print(nets.mobilenet_v1.mobilenet_v1.default_image_size)\n"
    )
    done = run(tmp_path, source)
    assert done.stdout.splitlines() == ["True 299", "224"], done.stderr


def test_the_time_of_the_program_is_supplied(tmp_path: Path) -> None:
    source = (
        "from six.moves import xrange\nimport time\nimport numpy as np\nimport scipy.misc\nfrom scipy import misc\n"
        "from keras.utils import np_utils\nfrom keras.utils.np_utils import to_categorical\n"
        "import keras\nfrom keras.layers import Dense\n"
        "from collections import Mapping\nimport tensorflow as tf\n"
        "time.clock()\n"
        "print(np.int(3.5), np.float, np.fromstring(b'ab', np.uint8), np.product([2, 3]), np.NaN)\n"
        "print(np.fromstring('1 2', sep=' '), np.reshape(np.arange(2), newshape=(1, 2)))\n"
        "print(np.array([[1, 2], [3]]), np.array(np.eye(2)[0].tolist(), copy=False))\n"
        "print(np_utils.to_categorical([0, 2]).tolist(), misc.imresize is scipy.misc.imresize)\n"
        "print(keras.models.Sequential([Dense(2, input_dim=3)]).count_params(), keras is tf.keras)\n"
        "misc.imsave('x.png', np.eye(4))\nprint(misc.imread('x.png').tolist()[0])\n"
        "print(tf.Session().run(tf.constant(2)))\n"
    )
    done = run(tmp_path, source)
    assert done.stdout.splitlines() == [
        "3 <class 'float'> [97 98] 6 nan",
        "[1. 2.] [[0 1]]",
        "[list([1, 2]) list([3])] [1. 0.]",
        "[[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]] True",
        "8 True",
        "[255, 0, 0, 0]",
        "2",
    ], done.stderr


# Recorded from SciPy 1.1.0 with Pillow 6.2.2.
LIMITS = [0, 182, 255, 255, 109, 255]
PERCENT = [[0, 0, 128], [81, 220, 209], [81, 220, 209], [162, 174, 23]]
SIZE = [[17, 22, 17], [10, 16, 10], [12, 12, 12], [13, 7, 13], [7, 2, 7]]
FLOAT = [
    [6.7571001052856445, 13.425000190734863, 9.085700035095215],
    [13.785699844360352, 11.5, 9.214300155639648],
    [13.914299964904785, 9.574999809265137, 9.342900276184082],
]
ROTATED = [0, 243, 197, 151, 104, 0]


def test_scipys_images() -> None:
    a = (np.arange(24).reshape(4, 6) * 7 % 23).astype(float)
    c = np.stack([a, a.T.reshape(4, 6), a[::-1]], 2)
    assert scipy_misc.bytescale(a)[:2].tolist() == [[0, 81, 162, 243, 58, 139], [220, 35, 116, 197, 12, 93]]
    assert scipy_misc.bytescale(a, cmin=2, cmax=9)[0].tolist() == LIMITS
    assert scipy_misc.imresize(a, 0.5).tolist() == [[107, 146, 102], [165, 121, 111]]
    assert scipy_misc.imresize(c, 150, "nearest")[0, :4].tolist() == PERCENT
    assert scipy_misc.imresize(c.astype(np.uint8), (3, 5), "bicubic")[1].tolist() == SIZE
    assert scipy_misc.imresize(a, (3, 3), mode="F").round(4).tolist() == FLOAT
    assert scipy_misc.imrotate(a, 90)[1].tolist() == ROTATED
    np.testing.assert_array_equal(scipy_misc.toimage(c.transpose(2, 0, 1)), scipy_misc.bytescale(c))


# notebooks


def test_notebooks_run(tmp_path: Path) -> None:
    cells = [
        {"cell_type": "markdown", "source": ["not code"]},
        {"cell_type": "code", "source": ["%matplotlib inline\n", "!pip list\n", "import tensorflow as tf"]},
        {"cell_type": "code", "source": "%%bash\nls | wc"},
        {"cell_type": "code", "source": "get_ipython().magic('x')\ndef f(y):\n    %time y\n    return (y\n       % 5)"},
        {"cell_type": "code", "source": "tf.zeros?\nprint(f(7), tf.Session().run(tf.zeros([1])))"},
    ]
    text = json.dumps({"cells": cells, "metadata": {}, "nbformat": 4})
    done = run(tmp_path, text, name="book.ipynb")
    assert done.stdout == "2 [0.]\n", done.stderr
    assert "line 2: !pip list" in done.stderr
    with pytest.raises(NotebookError, match="not a notebook"):
        notebook_source("{}", "x.ipynb")


def test_percent_signs_of_python_stay() -> None:
    source = "x = 7\ny = (x\n     % 4)\nprint('''\n%d\n''' % y)\n"
    assert without_magics(source) == (source, [])
    plain = without_magics("%pylab\n" + source)
    assert plain.dropped == [(1, "%pylab")]
    assert plain.source == "pass\n" + source


# before TensorFlow 1.0


def test_names_and_orders_from_before_1_0(tmp_path: Path) -> None:
    source = (
        "import tensorflow as tf\n"
        "a, b = tf.constant([[1., 2.]]), tf.constant([[0., 1.]])\n"
        "r = tf.Session().run\n"
        "print(r(tf.concat(1, [a, b])), r(tf.concat([a, b], 0)), r(tf.mul(a, tf.neg(b))), r(tf.pack([a, b])).shape)\n"
        "print(r(tf.split(1, 2, a)), r(tf.split(a, 2, 1))[1])\n"
        "print(r(tf.nn.softmax_cross_entropy_with_logits(a, b)), tf.nn.sigmoid_cross_entropy_with_logits(a, b).shape)\n"
        "print(tf.image.resize_images(tf.zeros([1, 4, 4, 3]), 2, 3).shape, r(tf.batch_matmul(a, b, adj_y=True)))\n"
        "tf.scalar_summary('loss', tf.reduce_sum(a))\nprint(tf.merge_all_summaries() is not None)\n"
    )
    done = run(tmp_path, source, before=("--from-tf0",))
    array = "array([[{}]], dtype=float32)".format
    assert done.stdout.splitlines() == [
        "[[1. 2. 0. 1.]] [[1. 2.]",
        " [0. 1.]] [[-0. -2.]] (2, 1, 2)",
        f"[{array('1.')}, {array('2.')}] [[2.]]",
        "[0.31326166] (1, 2)",
        "(1, 2, 3, 3) [[2.]]",
        "True",
    ], done.stderr
    refused = run(tmp_path, source)
    assert refused.returncode == 1


@pytest.mark.parametrize("named", [True, False])
def test_the_folder_of_keras_is_there_for_programs_that_name_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: bool
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    make_keras_folder("os.mkdir(os.path.expanduser('~/.keras/datasets'))" if named else "tf.keras.layers.Dense(3)")
    assert (tmp_path / ".keras").is_dir() == named
