"""tf.gfile, tf.flags, tf.app, tf.logging and options of sessions: see ``cases.py`` for the rules of these files.

Tests `inspect/trace.py`, `tf1/app.py`, `tf1/config.py`, `tf1/flags.py`, `tf1/gfile.py`, `tf1/logs.py`,
`tf1/strings.py` and `tf1/timeline.py`.
"""

# ruff: noqa: UP035, UP006  (CPython 3.7 has no dict[...] at run time)

from __future__ import annotations

import logging
import os
import sys
import tempfile
from typing import Any, List

from cases import CASES, Case, Results, case
from cases_api import caught


@case()
def files(tf: Any) -> Results:
    """Reading and writing in all modes, line by line and by pieces."""
    seen: Results = {}
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "a.txt")
        with tf.gfile.GFile(path, "w") as file:
            file.write("one\ntwo\n")
            file.write("dr\u00e9i\n")
            seen["name"] = [os.path.basename(file.name), file.mode]
        with tf.gfile.GFile(path, mode="a") as file:
            file.write("four")
        file = tf.gfile.GFile(path)
        seen["size"] = file.size()
        seen["line"] = [file.readline(), file.tell(), file.read(3), file.readlines(), file.readline(), file.read()]
        file.seek(4)
        seen["after"] = file.read(3)
        file.close()
        seen["lines"] = list(tf.gfile.GFile(path, "r"))
        content = tf.gfile.FastGFile(path, "rb").read()
        seen["bytes"] = [type(content).__name__, len(content), content[:3].decode()]
        seen["opened"] = tf.gfile.Open(path).read()[:3]
        with tf.gfile.GFile(path, "wb") as file:
            file.write(b"\x00\xff")
            file.flush()
            seen["flushed"] = os.path.getsize(path)
        seen["again"] = list(tf.gfile.GFile(path, "rb").read())
        with tf.gfile.GFile(path, "w+") as file:
            file.write("new")
        seen["new"] = tf.gfile.GFile(path).read()
    return seen


@case()
def folders(tf: Any) -> Results:
    """Folders: making, listing, finding, copying, renaming, walking, removing."""
    seen: Results = {}
    with tempfile.TemporaryDirectory() as folder:

        def at(*parts: str) -> str:
            return os.path.join(folder, *parts)

        def exist(*names: str) -> List[bool]:
            return [tf.gfile.Exists(at(n)) for n in names]

        tf.gfile.MakeDirs(at("a", "b"))
        tf.gfile.MakeDirs(at("a", "b"))  # that it is there is no error
        tf.gfile.MkDir(at("c"))
        tf.gfile.MkDir(at("c"))
        for name in ("z.txt", "y.txt", "x.log"):
            with tf.gfile.FastGFile(at("a", name), "w") as file:
                file.write(name)
        seen["exist"] = exist("a", "a/z.txt", "none", "a/b")
        seen["folder"] = [tf.gfile.IsDirectory(at(n)) for n in ("a", "a/z.txt", "none", "a/b")]
        seen["list"] = sorted(tf.gfile.ListDirectory(at("a")))
        seen["listed_in_order"] = [n for n in tf.gfile.ListDirectory(at("a")) if n == "nothing"]
        seen["glob"] = [os.path.relpath(p, folder) for p in sorted(tf.gfile.Glob(at("a", "*.txt")))]
        seen["glob_of_two"] = len(tf.gfile.Glob([at("a", "*.txt"), at("a", "*.log")]))
        seen["glob_of_nothing"] = tf.gfile.Glob(at("n*"))
        tf.gfile.Copy(at("a", "x.log"), at("c", "x.log"))
        tf.gfile.Copy(at("a", "y.txt"), at("c", "x.log"), overwrite=True)
        seen["copied"] = tf.gfile.GFile(at("c", "x.log")).read()
        tf.gfile.Rename(at("c", "x.log"), at("c", "w.log"))
        seen["renamed"] = exist("c/x.log", "c/w.log")
        tf.gfile.Rename(at("a", "z.txt"), at("c", "w.log"), overwrite=True)
        seen["moved"] = tf.gfile.GFile(at("c", "w.log")).read()
        seen["stat"] = tf.gfile.Stat(at("c", "w.log")).length
        seen["walk"] = sorted(
            [os.path.relpath(top, folder), sorted(inner), sorted(names)] for top, inner, names in tf.gfile.Walk(folder)
        )
        tf.gfile.Remove(at("c", "w.log"))
        tf.gfile.DeleteRecursively(at("a"))
        seen["removed"] = exist("c/w.log", "a", "c")
    return seen


@case()
def flags(tf: Any) -> Results:
    """Definitions, the command line in all its forms, and values set by the program."""
    tf.flags.DEFINE_string("mg_text", "plain", "Text.")
    tf.flags.DEFINE_string("mg_none", None, "Text without a default.")
    tf.flags.DEFINE_integer("mg_count", 3, "A number.")
    tf.flags.DEFINE_float("mg_rate", 0.5, "A number.")
    tf.flags.DEFINE_boolean("mg_on", True, "Yes or no.")
    tf.flags.DEFINE_bool("mg_off", False, "Yes or no.")
    tf.flags.DEFINE_enum("mg_kind", "a", ["a", "b"], "One of two.")
    tf.flags.DEFINE_list("mg_list", "x,y", "Several.")
    tf.app.flags.DEFINE_boolean("mg_third", False, "Yes or no.")
    names = ["mg_text", "mg_none", "mg_count", "mg_rate", "mg_on", "mg_off", "mg_kind", "mg_list", "mg_third"]
    flags = tf.flags.FLAGS
    rest = [flags(["program"], known_only=True)]
    before = [getattr(flags, n) for n in names]
    line = ["program", "--mg_text=a b", "in between", "--mg_count", "7", "-mg_rate=2", "--nomg_on", "--mg_off",
            "--mg_kind=b", "--mg_list=1,2,3", "--mg_third=true", "last"]  # fmt: skip
    rest.append(flags(line, known_only=True))
    after = [getattr(flags, n) for n in names]
    rest.append(flags(["program", "--mg_count=-1", "--mg_unknown=3", "--", "--mg_rate=9"], known_only=True))
    flags.mg_rate = 0.25
    last = [flags.mg_count, flags.mg_rate, "mg_text" in flags, "nothing" in flags, flags["mg_kind"].value]
    types = [type(flags.mg_rate).__name__, type(flags.mg_count).__name__, tf.app.flags.FLAGS is flags]
    return {"before": before, "after": after, "last": last, "types": types, "rest": rest}


@case()
def app(tf: Any) -> Results:
    """tf.app.run: what main is given, and the exit status."""
    tf.flags.DEFINE_integer("app_count", 1, "A number.")
    seen: Any = []

    def main(argv: List[str]) -> Any:
        seen.append([argv, tf.flags.FLAGS.app_count])
        return 3

    for arguments in (["program", "--app_count=5", "x"], ["program"]):
        try:
            tf.app.run(main, arguments)
        except SystemExit as ended:
            seen.append(ended.code)
    before = sys.argv
    sys.argv = ["script.py", "--app_count=8"]
    try:
        tf.app.run(lambda argv: seen.append(argv))
    except SystemExit as ended:
        seen.append([ended.code, tf.flags.FLAGS.app_count])
    finally:
        sys.argv = before
    return {"seen": seen}


class _Kept(logging.Handler):
    def __init__(self) -> None:
        logging.Handler.__init__(self)
        self.lines: List[Any] = []

    def emit(self, record: Any) -> None:
        message = record.getMessage()
        if "is deprecated" not in message:  # TensorFlow tells of its own later names
            self.lines.append([record.levelname, message])


@case()
def logs(tf: Any) -> Results:
    """Levels, and what is logged at each."""
    kept, before = _Kept(), tf.logging.get_verbosity()
    logger = logging.getLogger("tensorflow")
    logger.addHandler(kept)
    try:
        for level in (tf.logging.INFO, tf.logging.WARN, tf.logging.DEBUG, tf.logging.ERROR):
            tf.logging.set_verbosity(level)
            kept.lines.append(tf.logging.get_verbosity())
            tf.logging.debug("d %d", 1)
            tf.logging.info("i %s %.2f", "x", 0.5)
            tf.logging.warn("w")
            tf.logging.warning("warning")
            tf.logging.error("e")
            tf.logging.log(tf.logging.INFO, "l %d", 2)
        tf.logging.set_verbosity(tf.logging.INFO)
        for step in range(4):
            tf.logging.log_if(tf.logging.INFO, "if", step == 3)
    finally:
        logger.removeHandler(kept)
        tf.logging.set_verbosity(before)
    levels = [tf.logging.DEBUG, tf.logging.INFO, tf.logging.WARN, tf.logging.ERROR, tf.logging.FATAL]
    return {"lines": kept.lines, "levels": levels}


@case()
def options(tf: Any) -> Results:
    """Options of sessions keep what they are given, and sessions run with them."""
    gpu = tf.GPUOptions(per_process_gpu_memory_fraction=0.5, allow_growth=True)
    config = tf.ConfigProto(allow_soft_placement=True, log_device_placement=False, gpu_options=gpu)
    config.intra_op_parallelism_threads = 2
    config.gpu_options.visible_device_list = "0"
    config.graph_options.optimizer_options.global_jit_level = tf.OptimizerOptions.ON_1
    values = [config.allow_soft_placement, config.gpu_options.allow_growth, config.intra_op_parallelism_threads,
              config.gpu_options.per_process_gpu_memory_fraction, config.gpu_options.visible_device_list]  # fmt: skip
    with tf.Graph().as_default(), tf.Session("", config=config) as session:
        run = tf.RunOptions(timeout_in_ms=0)
        value = float(session.run(tf.constant(2.0) * 3.0, options=run))
    return {"values": values, "value": value, "trace": tf.RunOptions.FULL_TRACE}


@case()
def text(tf: Any) -> Results:
    """tf.compat's texts and bytes."""
    compat = tf.compat
    return {
        "text": [compat.as_text(b"a"), compat.as_text("b"), compat.as_str_any(3), compat.as_str(b"c")],
        "bytes": [list(compat.as_bytes("\u00e9")), list(compat.as_bytes(b"x"))],
    }


def _error(name: str, call: Any, *phrases: str) -> None:
    CASES["error_file_" + name] = Case(lambda tf: caught(tf, call, list(phrases)), 0.0, 0.0)


def _in_folder(act: Any) -> Any:
    def call(tf: Any) -> Any:
        with tempfile.TemporaryDirectory() as folder:
            for name in ("a", "b"):
                with open(os.path.join(folder, name + ".txt"), "w") as file:
                    file.write(name)
            os.makedirs(os.path.join(folder, "full", "inner"))
            return act(tf.gfile, folder)

    return call


_error("missing", lambda tf: tf.gfile.GFile("/nowhere/a.txt").read(), "/nowhere/a.txt", "No such file or directory")
_error("missing_size", lambda tf: tf.gfile.GFile("/nowhere/a.txt").size(), "/nowhere/a.txt")
_error("missing_folder", lambda tf: tf.gfile.GFile("/nowhere/a.txt", "w").write("x"), "/nowhere/a.txt")
_error("remove", lambda tf: tf.gfile.Remove("/nowhere/a.txt"), "/nowhere/a.txt", "No such file or directory")
_error("delete", lambda tf: tf.gfile.DeleteRecursively("/nowhere/a"), "/nowhere/a")
_error("list", lambda tf: tf.gfile.ListDirectory("/nowhere/a"), "Could not find directory", "/nowhere/a")
_error("stat", lambda tf: tf.gfile.Stat("/nowhere/a"), "/nowhere/a", "No such file or directory")
_error("copy_missing", lambda tf: tf.gfile.Copy("/nowhere/a", "/nowhere/b"), "/nowhere/a", "No such file or directory")
_error(
    "rename_missing", lambda tf: tf.gfile.Rename("/nowhere/a", "/nowhere/b"), "/nowhere/a", "No such file or directory"
)
_error("copy_exists", _in_folder(lambda g, f: g.Copy(f + "/a.txt", f + "/b.txt")), "file already exists")
_error("rename_exists", _in_folder(lambda g, f: g.Rename(f + "/a.txt", f + "/b.txt")), "file already exists")
_error("make_missing", lambda tf: tf.gfile.MkDir("/nowhere/a"), "/nowhere/a", "No such file or directory")
_error("remove_folder", _in_folder(lambda g, f: g.Remove(f + "/full")), "full", "s a directory")
_error("read_written", _in_folder(lambda g, f: g.GFile(f + "/a.txt", "w").read()), "File isn't open for reading")
_error("write_read", _in_folder(lambda g, f: g.GFile(f + "/a.txt").write("x")), "File isn't open for writing")
_error("flag_unknown", lambda tf: tf.flags.FLAGS.nothing_of_that_name, "nothing_of_that_name")
_error("flag_twice", lambda tf: [tf.flags.DEFINE_string("mg_twice", "a", ""), tf.flags.DEFINE_integer("mg_twice", 1, "")],
    "mg_twice")  # fmt: skip
