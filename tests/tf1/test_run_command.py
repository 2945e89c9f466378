"""The names for old programs, and the command that runs them.

Tests `tf1/install.py`, `tf1/namespace.py`, `tf1/tree.py`, `tf1/surface.py`, `tf1/mnist.py`, `tf1/testing.py`,
`tools/run.py` and `tools/symbols.py`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support import tf1_table
from support.program import run

import minigraph.tf1 as tf
from minigraph.data import load
from minigraph.tools.symbols import used_symbols

DIGITS = Path(tf.__file__).parents[1] / "data" / "digits"


def test_a_program_finds_what_python_would_give_it(tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("import tensorflow as tf\nvalue = tf.Session().run(tf.constant(2.0) * 3.0)\n")
    source = (
        "import sys, tensorflow as tf, beside\n"
        "import tensorflow.contrib.slim as slim\n"
        "from tensorflow.contrib.slim.nets import vgg\n"
        "from tensorflow.python.framework import ops, dtypes\n"
        "import tensorflow.compat.v1 as v1\n"
        "assert v1.Session is tf.Session and ops.Graph is tf.Graph and dtypes.float32 == tf.float32\n"
        "assert slim.nets.vgg is vgg\n"
        "print(__name__, sys.argv, __file__, beside.value)\n"
        "sys.exit(3)\n"
    )
    done = run(tmp_path, source, "--backend", "x", "-h")
    assert done.stdout == "__main__ ['script.py', '--backend', 'x', '-h'] script.py 6.0\n", done.stderr
    assert done.returncode == 3


def test_tracebacks_show_the_programs_lines(tmp_path: Path) -> None:
    source = "import tensorflow as tf\ndef f(x):\n    return tf.matmul(x, x)\nf(tf.zeros([2, 3]))\n"
    done = run(tmp_path, source)
    assert done.returncode == 1
    assert 'File "script.py", line 4, in <module>' in done.stderr
    assert "return tf.matmul(x, x)" in done.stderr
    assert "minigraph/ops" not in done.stderr.replace(str(tmp_path), "")
    assert "ops/" in run(tmp_path, source, before=("--internals",)).stderr
    assert "ops/" in run(tmp_path, "import os\nos.environ['MINIGRAPH_INTERNALS'] = '1'\n" + source).stderr


@pytest.mark.parametrize(
    ("body", "own"),
    [
        ("1 / 0", False),
        ("assert None", True),
        ("raise NotImplementedError", True),
        ("raise ValueError('a value of the program')", False),
    ],
)
def test_tracebacks_show_all_lines_of_a_defect(body: str, own: bool, tmp_path: Path) -> None:
    """A rule of an op that fails is a defect; a function of the program that fails is not."""
    code = f"def infer(*_):\n    {body}\n"
    source = (
        (
            "import tensorflow as tf\n"
            "from minigraph.core.provenance import count_as_internal\n"
            "from minigraph.ops.math.exponential import Exp\n"
            "count_as_internal('infer')\n"
            f"exec(compile({code!r}, 'infer', 'exec'))\n"
            "Exp.infer = infer\n"
            "tf.exp(1.0)\n"
        )
        if own
        else f"import tensorflow as tf\ndef f():\n    {body}\nf()\n"
    )
    done = run(tmp_path, source)
    assert done.returncode == 1
    lines = [line for line in done.stderr.splitlines() if line.startswith("  File ")]
    assert lines[0].startswith('  File "script.py"')
    assert any("ops/" in line for line in lines) == own
    assert own or len(lines) == 2


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("tf.nn.conv2", "tf.nn.conv2d"),
        ("tf.mul", "tf.multiply"),
        ("tf.train.SummaryWriter", "tf.summary.FileWriter"),
        ("from tensorflow.contrib import crf", "no module named 'tensorflow.contrib.crf'"),
        ("import tensorflow.contrib.nonsense_xyzzy", "no module named 'tensorflow.contrib.nonsense_xyzzy'"),
    ],
)
def test_what_is_missing_is_told_with_its_closest_relative(tmp_path: Path, line: str, told: str) -> None:
    done = run(tmp_path, f"import tensorflow as tf\n{line}\n")
    assert done.returncode == 1
    assert told in done.stderr.splitlines()[-1]
    assert "docs/tf1.md" in done.stderr


def test_private_modules_have_the_public_names(tmp_path: Path) -> None:
    source = (
        "import tensorflow as tf\nfrom tensorflow.contrib.metrics.python.ops import set_ops\n"
        "from tensorflow.python.framework import sparse_tensor\nfrom tensorflow.python.ops import gen_nn_ops\n"
        "from tensorflow.contrib.rnn.python.ops import core_rnn_cell\nimport tensorflow.python.eager.context\n"
        "print(gen_nn_ops.relu is tf.nn.relu, core_rnn_cell.GRUCell is tf.nn.rnn_cell.GRUCell)\n"
        "for line in ('from tensorflow.python.ops.array_ops import nonsense', 'set_ops.nonsense',\n"
        "             'import tensorflow.contrib.nothing.python.ops'):\n"
        "    try:\n        exec(line)\n    except (AttributeError, ImportError) as error:\n        print(error)\n"
    )
    done = run(tmp_path, source)
    first, *errors = done.stdout.splitlines()
    assert first == "True True", done.stderr
    assert len(errors) == 3
    assert all("nonsense" in e or "nothing" in e for e in errors)


def test_hasattr_works_on_what_is_missing() -> None:
    assert not hasattr(tf, "nonsense")
    assert not hasattr(tf.nn, "nonsense")
    with pytest.raises(AttributeError, match="minigraph does not have it"):
        tf.contrib.nonsense  # noqa: B018


def test_check_lists_symbols_through_aliases(tmp_path: Path) -> None:
    source = (
        "import tensorflow as tf\nfrom tensorflow.contrib import slim as s, crf\n"
        "from tensorflow.python.framework.ops import Graph, nonsense\n"
        "layers = tf.layers\nx = layers.dense(s.flatten(y), 3)\nlayers.danse(x)\n"
        "tf.app.flags.FLAGS.anything\ntf.GraphKeys.LOSSES\ntf.GraphKeys.LOOSES\n"
        "import numpy as np\nnp.zeros(3)\n"
    )
    symbols = {s.path: s for s in used_symbols(source)}
    assert {p for p, s in symbols.items() if not s.present} == {
        "contrib.crf", "python.framework.ops.nonsense", "layers.danse", "GraphKeys.LOOSES",
    }  # fmt: skip
    assert symbols["layers.danse"].closest == "layers.dense"
    assert symbols["layers.dense"].lines == [5]
    assert "app.flags.FLAGS" in symbols
    assert "contrib.slim.flatten" in symbols
    done = run(tmp_path, source, before=("--check",))
    assert done.returncode == 1
    assert "missing" in done.stdout
    assert run(tmp_path, "import tensorflow as tf\ntf.zeros([2])\n", before=("--check",)).returncode == 0


def test_backend_is_chosen(tmp_path: Path) -> None:
    source = "import tensorflow as tf\nprint(tf.Session().backend.name)\n"
    assert run(tmp_path, source, before=("--backend", "numpy")).stdout == "numpy\n"
    done = run(tmp_path, source, before=("--backend", "nonsense"))
    assert "unknown backend 'nonsense'" in done.stderr


# gfile, configuration


def test_gfile(tmp_path: Path) -> None:
    folder = str(tmp_path / "a" / "b")
    tf.gfile.MakeDirs(folder)
    with tf.gfile.GFile(f"{folder}/x.txt", "w") as file:
        file.write("one\ntwo\n")
    assert list(tf.gfile.Open(f"{folder}/x.txt")) == ["one\n", "two\n"]
    assert tf.gfile.FastGFile(f"{folder}/x.txt", "rb").read() == b"one\ntwo\n"
    tf.gfile.Copy(f"{folder}/x.txt", f"{folder}/y.txt")
    with pytest.raises(OSError, match="exists"):
        tf.gfile.Copy(f"{folder}/x.txt", f"{folder}/y.txt")
    assert sorted(tf.gfile.ListDirectory(folder)) == ["x.txt", "y.txt"]
    assert tf.gfile.Glob(f"{folder}/*.txt") == [f"{folder}/x.txt", f"{folder}/y.txt"]
    tf.gfile.Remove(f"{folder}/x.txt")
    with pytest.raises(tf.errors.NotFoundError):
        tf.gfile.GFile(f"{folder}/x.txt").read()
    tf.gfile.DeleteRecursively(str(tmp_path / "a"))
    assert not tf.gfile.Exists(folder)


def test_config_is_accepted() -> None:
    config = tf.ConfigProto(log_device_placement=False, gpu_options=tf.GPUOptions(allow_growth=True))
    config.gpu_options.per_process_gpu_memory_fraction = 0.4
    with tf.Session(config=config) as session:
        assert session.run(tf.constant(1.0)) == 1.0


# slim


def test_arg_scope_nests_and_is_used_again() -> None:
    slim = tf.contrib.slim
    with slim.arg_scope([slim.conv2d], padding="VALID", activation_fn=None) as outer:
        with slim.arg_scope([slim.conv2d], stride=2):
            inner = slim.conv2d(tf.zeros([1, 9, 9, 1]), 2, 3)
        plain = slim.conv2d(tf.zeros([1, 9, 9, 1]), 2, 3)
        given = slim.conv2d(tf.zeros([1, 9, 9, 1]), 2, 3, padding="SAME")
    with slim.arg_scope(outer):
        again = slim.conv2d(tf.zeros([1, 9, 9, 1]), 2, 3)
    shapes = [t.shape.as_list()[1] for t in (inner, plain, given, again)]
    assert shapes == [4, 7, 9, 7]
    with pytest.raises(ValueError, match="not decorated"), slim.arg_scope([len], x=1):
        pass


def test_vgg_16_has_slims_names_and_shapes() -> None:
    slim, vgg = tf.contrib.slim, tf.contrib.slim.nets.vgg
    with slim.arg_scope(vgg.vgg_arg_scope()):
        logits, points = vgg.vgg_16(tf.placeholder(tf.float32, [None, 224, 224, 3]), num_classes=7, is_training=False)
    assert logits.shape.as_list() == [None, 7]
    assert points["vgg_16/fc7"].shape.as_list() == [None, 1, 1, 4096]
    assert points["vgg_16/conv5/conv5_3"].shape.as_list() == [None, 14, 14, 512]
    found = slim.get_model_variables("vgg_16")
    assert len(found) == 32
    assert found[0].op.name == "vgg_16/conv1/conv1_1/weights"
    assert len(tf.losses.get_regularization_losses()) == 16
    restored = slim.get_variables_to_restore(exclude=["vgg_16/fc8"])
    assert {v.op.name for v in found} - {v.op.name for v in restored} == {"vgg_16/fc8/weights", "vgg_16/fc8/biases"}
    assert sum(v.shape.num_elements() or 0 for v in found) == 138_357_544 - (1000 - 7) * 4097


def test_training_loop_and_checkpoint(tmp_path: Path) -> None:
    slim = tf.contrib.slim
    w = slim.fully_connected(tf.ones([4, 2]), 1, activation_fn=None, scope="net")
    loss = tf.reduce_mean(tf.square(w - 3.0))
    train = slim.learning.create_train_op(loss, tf.train.GradientDescentOptimizer(0.02))
    last = slim.learning.train(train, str(tmp_path), number_of_steps=20)
    assert last < 0.5
    again = slim.learning.train(train, str(tmp_path), number_of_steps=25)  # goes on from the checkpoint
    assert again < last
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert session.run(loss) > last
        path = tf.train.latest_checkpoint(str(tmp_path))
        slim.assign_from_checkpoint_fn(path, slim.get_model_variables())(session)
        assert session.run(loss) < again


def test_supervisor_goes_on(tmp_path: Path) -> None:
    step = tf.train.get_or_create_global_step()
    count = tf.assign_add(step, 1)
    for expected in (3, 6):
        supervisor = tf.train.Supervisor(logdir=str(tmp_path), global_step=step)
        with supervisor.managed_session() as session:
            for _ in range(3):
                assert not supervisor.should_stop()
                value = session.run(count)
        assert value == expected
        assert supervisor.should_stop()


# the tutorials' data


def test_batches_in_numpys_order() -> None:
    read = tf.examples.tutorials.mnist.input_data.read_data_sets
    sets = read(str(DIGITS), validation_size=500, seed=3, reshape=False)
    digits = load()
    assert (sets.train.num_examples, sets.validation.num_examples, sets.test.num_examples) == (4500, 500, 1000)
    assert sets.train.images.shape == (4500, 28, 28, 1)
    np.testing.assert_allclose(sets.validation.images.reshape(-1, 784), digits.train_images[:500], rtol=1e-6)
    random = np.random.RandomState(3)
    images, labels = digits.train_images[500:], digits.train_labels[500:].argmax(1)
    order = random.permutation(4500)
    first = sets.train.next_batch(4000)
    np.testing.assert_array_equal(first[1], labels[order[:4000]])
    second = random.permutation(4500)
    batch, found = sets.train.next_batch(1000)  # 500 of the first epoch, 500 of the next, shuffled from what was
    np.testing.assert_array_equal(found, np.concatenate([labels[order[4000:]], labels[order][second][:500]]))
    np.testing.assert_allclose(batch[-1].ravel(), images[order][second][499], rtol=1e-6)
    assert sets.train.epochs_completed == 1


def test_without_files_the_digits_of_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINIGRAPH_DATA", str(tmp_path))
    monkeypatch.setenv("MINIGRAPH_CACHE", str(tmp_path))
    with pytest.warns(UserWarning, match="digits that come with minigraph"):
        sets = tf.examples.tutorials.mnist.input_data.read_data_sets(str(tmp_path / "MNIST"), one_hot=True)
    assert (sets.train.num_examples, sets.validation.num_examples) == (4500, 500)
    assert sets.train.labels.shape == (4500, 10)


def test_the_table_is_current() -> None:
    assert tf1_table.PAGE.read_text("utf-8") == tf1_table.page_with(tf1_table.table()), (
        "python tests/support/tf1_table.py"
    )
