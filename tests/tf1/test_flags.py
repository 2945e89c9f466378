"""Flags: what the command line gives, and what programs of all versions of TensorFlow 1 read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.program import run

import minigraph.tf1 as tf
from minigraph.tf1 import flags as own

F, FLAGS = tf.app.flags, tf.app.flags.FLAGS


@pytest.fixture(autouse=True)
def _only_own_flags() -> Iterator[None]:
    yield
    for name in list(FLAGS):
        if name.startswith("t_"):
            delattr(FLAGS, name)


def test_defaults_have_the_type_of_their_flag() -> None:
    """TensorFlow 1.15 gives False, 2, 1.0 and None for these."""
    F.DEFINE_bool("t_debug", "False", "Debug.")
    F.DEFINE_integer("t_count", "2", "Count.")
    F.DEFINE_float("t_rate", 1, "Rate.")
    F.DEFINE_string(flag_name="t_name", default_value=None, docstring="Name.")
    FLAGS(["program"])
    assert (FLAGS.t_debug, FLAGS.t_count, FLAGS.t_rate, FLAGS.t_name) == (False, 2, 1.0, None)
    assert isinstance(FLAGS.t_rate, float)
    FLAGS.t_count = "7"
    assert FLAGS.t_count == "7"
    with pytest.raises(F.DuplicateFlagError, match="defined twice"):
        F.DEFINE_integer("t_count", 1, "Again.")
    with pytest.raises(AttributeError):
        FLAGS.t_nothing  # noqa: B018
    with pytest.raises(F.IllegalFlagValueError):
        F.DEFINE_integer("t_other", "two", "Not a number.")


def test_the_command_line_is_read_at_first_use(monkeypatch: pytest.MonkeyPatch) -> None:
    F.DEFINE_integer("t_count", 1, "Count.")
    monkeypatch.setattr("sys.argv", ["program", "--t_count=3", "rest", "-t_late", "x", "--unknown"])
    FLAGS._parse_flags()
    assert FLAGS.t_count == 3
    F.DEFINE_string("t_late", None, "Defined after the first read.")
    assert FLAGS.t_late == "x"
    assert FLAGS(["program", "rest", "--t_count", "4", "--unknown"], known_only=True) == [
        "program",
        "rest",
        "--unknown",
    ]
    assert FLAGS["t_count"].value == 4
    FLAGS.set_default("t_count", 5)
    assert FLAGS.t_count == 4
    with pytest.raises(SystemExit):
        FLAGS(["program", "--unknown"])


def test_the_table_itself_can_be_read() -> None:
    F.DEFINE_integer("t_count", 1, "Count.")
    assert str(FLAGS.__flags["t_count"]) == "1"
    assert FLAGS.__dict__["__flags"]["t_count"].value == 1
    assert FLAGS.flag_values_dict()["t_count"] == 1
    assert own.FLAGS is FLAGS
    assert "t_count" in FLAGS
    assert "t_other" not in FLAGS


def test_app_run_reads_flags(tmp_path: Path) -> None:
    source = (
        "import tensorflow as tf\nF = tf.app.flags\nF.DEFINE_integer('n', 1, 'N.')\n"
        "F.DEFINE_boolean('on', True, 'On.')\n"
        "F.DEFINE_boolean('off', False, 'Off.')\n"
        "def main(argv):\n    print(argv, F.FLAGS.n, F.FLAGS.on, F.FLAGS.off)\n    return 4\n"
        "if __name__ == '__main__':\n    tf.app.run()\n"
    )
    done = run(tmp_path, source, "--n=5", "--noon", "--off", "other")
    assert done.stdout == "['script.py', 'other'] 5 False True\n", done.stderr
    assert done.returncode == 4
