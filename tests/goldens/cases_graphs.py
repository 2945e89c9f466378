"""Summaries, graphs in files, checkpoints, and sessions that keep themselves: see ``cases.py`` for the rules.

Tests `summary/`, `train/global_step.py`, `tf1/supervisor.py` and `tf1/training.py`.
"""

# ruff: noqa: UP035, UP006  (CPython 3.7 has no dict[...] at run time)

from __future__ import annotations

import glob
import os
import struct
import tempfile
from typing import Any, List

import numpy as np

from cases import CASES, Case, Results, case
from cases_api import caught, names_of
from cases_contrib import prefix
from cases_ops import f32


def summary_fields(summary: Any) -> List[Any]:
    """What is in a Summary, images by their sizes."""
    found: List[Any] = []
    for value in summary.value:
        kind = value.WhichOneof("value")
        if kind == "simple_value":
            content: Any = round(value.simple_value, 5)
        elif kind == "histo":
            h = value.histo
            content = [h.min, h.max, h.num, round(h.sum, 3), round(h.sum_squares, 3), list(h.bucket),
                       [float("%.9g" % b) for b in h.bucket_limit]]  # fmt: skip
        elif kind == "image":
            i = value.image
            content = [i.height, i.width, i.colorspace, i.encoded_image_string[:4].hex()]
        else:
            content = None
        found.append([value.tag, kind, content])
    return found


def events_in(tf: Any, folder: str) -> List[Any]:
    """The events of a folder's one event file: its records are a length, its checksum, the event, and a checksum."""
    (path,) = glob.glob(os.path.join(folder, "events.out.tfevents.*"))
    with open(path, "rb") as file:
        data = file.read()
    events, start = [], 0
    while start < len(data):
        (length,) = struct.unpack("<Q", data[start : start + 8])
        events.append(tf.Event.FromString(data[start + 12 : start + 12 + length]))
        start += 16 + length
    return events


@case()
def summaries(tf: Any) -> Results:
    """Each kind of summary: names, tags, collections, and the fields of what running it gives."""
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.constant(f32([[-1.5, 0.0, 0.25], [2.0, 2.0, 100.0]]))
        pixels = np.arange(3 * 2 * 2 * 3).reshape(3, 2, 2, 3)
        images = tf.constant(pixels.astype(np.uint8))
        grey = tf.constant(pixels[..., :1] / f32(30.0) - f32(0.3))
        with tf.name_scope("outer"):
            inside = tf.summary.scalar("loss value", tf.reduce_sum(x))
        made = [
            inside, tf.summary.scalar("a", tf.constant(2.5)), tf.summary.scalar("a", 3),
            tf.summary.scalar("rate", tf.constant(0.1), collections=["mine"], family="train"),
            tf.summary.histogram("weights", x), tf.summary.histogram("whole", tf.range(5)),
            tf.summary.image("digits", images, max_outputs=2), tf.summary.image("grey", grey),
            tf.summary.image("one", images[:1], max_outputs=1),
        ]  # fmt: skip
        merged = tf.summary.merge(made[:3], collections=["kept"], name="both")
        everything = tf.summary.merge_all()
        mine = tf.summary.merge_all("mine")
        results = [summary_fields(tf.Summary.FromString(session.run(t))) for t in made + [merged, everything, mine]]
        own = tf.Summary(value=[tf.Summary.Value(tag="own", simple_value=0.5)])
        return {
            "names": names_of(made + [merged, everything, mine]),
            "dtypes": [t.dtype.name for t in made],
            "fields": results,
            "collections": [len(tf.get_collection(k)) for k in (tf.GraphKeys.SUMMARIES, "mine", "kept")],
            "none": tf.summary.merge_all("nothing") is None,
            "own": summary_fields(tf.Summary.FromString(own.SerializeToString())),
        }


@case()
def event_files(tf: Any) -> Results:
    """What a FileWriter writes, event by event."""
    with tempfile.TemporaryDirectory() as folder, tf.Graph().as_default() as graph, tf.Session() as session:
        v = tf.Variable(1.0, name="v")
        tf.summary.scalar("v", v)
        merged = tf.summary.merge_all()
        writer = tf.summary.FileWriter(os.path.join(folder, "logs"), graph)
        session.run(tf.global_variables_initializer())
        for step in range(3):
            writer.add_summary(session.run(merged), step)
            session.run(tf.assign_add(v, 1.0))
        writer.add_summary(tf.Summary(value=[tf.Summary.Value(tag="own", simple_value=7.0)]), global_step=9)
        writer.add_session_log(tf.SessionLog(status=tf.SessionLog.START), 10)
        folder_of = os.path.basename(writer.get_logdir())
        writer.flush()
        writer.close()
        events = [e for e in events_in(tf, os.path.join(folder, "logs")) if not e.meta_graph_def]
        kinds = [e.WhichOneof("what") for e in events]
        return {
            "kinds": kinds,
            "steps": [e.step for e in events],
            "version": events[0].file_version,
            "fields": [summary_fields(e.summary) for e in events if e.WhichOneof("what") == "summary"],
            "graph": [len(e.graph_def) > 0 for e in events if e.WhichOneof("what") == "graph_def"],
            "timed": all(e.wall_time > 1e9 for e in events),
            "folder": folder_of,
        }


@case()
def frozen_graphs(tf: Any) -> Results:
    """Variables made constants, written, read back, and imported with other inputs."""
    with tempfile.TemporaryDirectory() as folder:
        with tf.Graph().as_default() as graph, tf.Session() as session:
            x = tf.placeholder(tf.float32, [None, 2], name="x")
            w = tf.Variable(f32([[1.0, 2.0, 0.0], [3.0, 4.0, 1.0]]), name="w")
            y = tf.nn.relu(tf.matmul(x, w), name="y")
            tf.reduce_mean(y, name="unused")
            session.run(w.initializer)
            frozen = tf.graph_util.convert_variables_to_constants(session, graph.as_graph_def(), ["y"])
            before = [n.name for n in graph.as_graph_def().node]
            tf.train.write_graph(graph, folder, "graph.pbtxt")
            part = tf.graph_util.extract_sub_graph(graph.as_graph_def(), ["y"])
            with tf.gfile.GFile(os.path.join(folder, "frozen.pb"), "wb") as file:
                file.write(frozen.SerializeToString())
        with tf.gfile.FastGFile(os.path.join(folder, "frozen.pb"), "rb") as file:
            definition = tf.GraphDef()
            definition.ParseFromString(file.read())
        with tf.Graph().as_default() as graph, tf.Session() as session:
            fresh = tf.constant(f32([[1.0, 1.0], [-1.0, 0.0]]))
            (first,) = tf.import_graph_def(definition, {"x:0": fresh}, ["y:0"], name="net")
            second, op = tf.import_graph_def(definition, return_elements=["y:0", "y"], name="")
            third = tf.import_graph_def(definition)
            values = session.run([first, second], {"x:0": f32([[2.0, 0.0]])})
            names = [n.name for n in graph.get_operations()]
    return {
        "first": values[0],
        "second": values[1],
        "names": sorted(names),
        "before": sorted(n for n in before if "Initial" not in n and "initial" not in n and "Const" not in n),
        "frozen": sorted(n.name for n in frozen.node),
        "part": sorted(n.name for n in part.node),
        "elements": [first.name, second.name, op.name, op.type, third is None],
    }


@case()
def savers(tf: Any) -> Results:
    """What a Saver keeps and gives back, and what is left of it in a folder."""
    seen: Results = {}
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model")
        with tf.Graph().as_default(), tf.Session() as session:
            w = tf.Variable([1.0, 2.0], name="w")
            b = tf.Variable(3.0, name="b")
            step = tf.train.get_or_create_global_step()
            add = tf.assign_add(step, 1)
            saver, some = tf.train.Saver(max_to_keep=2), tf.train.Saver({"renamed": w})
            session.run(tf.global_variables_initializer())
            seen["none"] = [tf.train.latest_checkpoint(folder), tf.train.get_checkpoint_state(folder) is None]
            saved = []
            for _ in range(4):
                session.run([add, tf.assign_add(b, 1.0)])
                saved.append(prefix(saver.save(session, path, global_step=step)))
            seen["saved"] = saved
            seen["last"] = [prefix(p) for p in saver.last_checkpoints]
            seen["latest"] = prefix(tf.train.latest_checkpoint(folder))
            state = tf.train.get_checkpoint_state(folder)
            seen["state"] = [prefix(state.model_checkpoint_path)] + [
                prefix(p) for p in state.all_model_checkpoint_paths
            ]
            seen["exist"] = [tf.train.checkpoint_exists("%s-%d" % (path, n)) for n in range(1, 6)]
            session.run(tf.assign(b, 0.0))
            saver.restore(session, tf.train.latest_checkpoint(folder))
            seen["restored"] = [float(v) for v in session.run([b, step])]
            saver.restore(session, path + "-3")
            seen["older"] = [float(v) for v in session.run([b, step])]
            other = os.path.join(folder, "other", "m")
            os.makedirs(os.path.dirname(other))
            seen["some"] = prefix(some.save(session, other))
            session.run(tf.assign(w, [0.0, 0.0]))
            some.restore(session, other)
            seen["w"] = session.run(w)
            tf.train.Saver([b]).save(session, os.path.join(folder, "third"), global_step=7, write_meta_graph=False)
        with tf.Graph().as_default(), tf.Session() as session:
            v = tf.Variable([0.0, 0.0], name="v")
            tf.train.Saver({"w": v}).restore(session, path + "-4")
            seen["by_name"] = session.run(v)
        with tf.Graph().as_default(), tf.Session() as session:
            saver = tf.train.import_meta_graph(
                tf.train.latest_checkpoint(os.path.join(folder, "meta")) or _exported(tf, folder)
            )
            saver.restore(session, os.path.join(folder, "meta", "m"))
            y = tf.get_default_graph().get_tensor_by_name("y:0")
            seen["imported"] = session.run(y, {"x:0": 2.0})
            seen["variables"] = names_of(tf.global_variables() + tf.trainable_variables() + tf.get_collection("kept"))
    return seen


def _exported(tf: Any, folder: str) -> str:
    """A graph with a variable, saved in a folder; the name of the file with the graph."""
    path = os.path.join(folder, "meta", "m")
    os.makedirs(os.path.dirname(path))
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [], name="x")
        y = tf.multiply(x, tf.Variable(4.0, name="slope"), name="y")
        tf.add_to_collection("kept", y)
        session.run(tf.global_variables_initializer())
        tf.train.Saver().save(session, path)
        tf.train.export_meta_graph(path + ".meta")
    return path + ".meta"


@case()
def monitored_sessions(tf: Any) -> Results:
    """MonitoredTrainingSession: the order of hooks, where training stops, and what it goes on from."""
    seen: List[Any] = []

    class Hook(tf.train.SessionRunHook):  # type: ignore[misc,name-defined]
        def begin(self) -> None:
            seen.append("begin")

        def after_create_session(self, session: Any, coord: Any) -> None:
            seen.append("created")

        def before_run(self, run_context: Any) -> Any:
            return tf.train.SessionRunArgs({"step": "global_step:0"})

        def after_run(self, run_context: Any, run_values: Any) -> None:
            seen.append(sorted(run_values.results))

        def end(self, session: Any) -> None:
            seen.append("end")

    kept = []
    with tempfile.TemporaryDirectory() as folder:
        for last in (3, 5):
            with tf.Graph().as_default():
                tf.summary.scalar("loss", tf.Variable(4.0, name="loss"))
                add = tf.assign_add(tf.train.get_or_create_global_step(), 1)
                hooks = [Hook(), tf.train.StopAtStepHook(last_step=last)]
                with tf.train.MonitoredTrainingSession(
                    checkpoint_dir=folder, hooks=hooks, save_checkpoint_steps=2, save_summaries_steps=1
                ) as session:
                    counts = []
                    while not session.should_stop():
                        counts.append(int(session.run(add)))
                kept.append([counts, prefix(tf.train.latest_checkpoint(folder)), session.should_stop()])
        events = len(glob.glob(os.path.join(folder, "events.*")))
        with tf.Graph().as_default():
            count = tf.assign_add(tf.train.get_or_create_global_step(), 1)
            with tf.train.SingularMonitoredSession(hooks=[tf.train.StopAtStepHook(num_steps=2)]) as session:
                alone = []
                while not session.should_stop():
                    alone.append(int(session.run(count)))
    return {"seen": seen, "kept": kept, "events": events > 0, "alone": alone}


@case()
def supervisors(tf: Any) -> Results:
    """Supervisor: it starts from its folder's checkpoint, and calls init_fn where there is none."""
    seen: Results = {}
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(2):
            with tf.Graph().as_default():
                v = tf.Variable(1.0, name="v")
                step = tf.train.get_or_create_global_step()
                add = tf.group(tf.assign_add(step, 1), tf.assign_add(v, 2.0))
                tf.summary.scalar("v", v)
                supervisor = tf.train.Supervisor(
                    logdir=folder, init_fn=lambda session, v=v: v.load(10.0, session), save_summaries_secs=0
                )
                with supervisor.managed_session() as session:
                    begun = [float(session.run(v)), int(session.run(step)), supervisor.should_stop()]
                    for _ in range(3):
                        session.run(add)
                    supervisor.saver.save(session, supervisor.save_path, global_step=step)
                    if turn:
                        supervisor.request_stop()
                seen["turn%d" % turn] = begun + [
                    supervisor.should_stop(), prefix(tf.train.latest_checkpoint(folder)),
                    supervisor.global_step is step, supervisor.saver is not None,
                ]  # fmt: skip
    return seen


def _error(name: str, call: Any, *phrases: str) -> None:
    CASES["error_graph_" + name] = Case(lambda tf: caught(tf, call, list(phrases)), 0.0, 0.0)


def _uninitialised(tf: Any) -> Any:
    tf.Variable(1.0, name="w")
    with tempfile.TemporaryDirectory() as folder, tf.Session() as session:
        return tf.train.Saver().save(session, os.path.join(folder, "m"))


def _restored(tf: Any, other: Any) -> Any:
    """Restoring another graph's variables from a file that holds w of shape [2]."""
    with tempfile.TemporaryDirectory() as folder, tf.Session() as session:
        w = tf.Variable([1.0, 2.0], name="w")
        session.run(w.initializer)
        path = tf.train.Saver().save(session, os.path.join(folder, "m"))
        with tf.Graph().as_default(), tf.Session() as another:
            other(tf)
            return tf.train.Saver().restore(another, path)


def _frozen_without_values(tf: Any) -> Any:
    tf.identity(tf.Variable(1.0, name="w"), name="y")
    with tf.Session() as session:
        return tf.graph_util.convert_variables_to_constants(session, tf.get_default_graph().as_graph_def(), ["y"])


def _monitored(tf: Any, **options: Any) -> Any:
    with tf.train.MonitoredTrainingSession(**options) as session:
        return session.run(tf.constant(1.0))


def _definition(tf: Any) -> Any:
    with tf.Graph().as_default() as graph:
        tf.identity(tf.placeholder(tf.float32, [2], name="x"), name="y")
        return graph.as_graph_def()


_error("save_nothing", lambda tf: tf.train.Saver(), "No variables to save")
_error("save_uninitialised", _uninitialised, "uninitialized value w")
_error("restore_nothing", lambda tf: [tf.Variable(1.0), tf.train.Saver().restore(tf.Session(), "/nowhere/m")],
    "/nowhere")  # fmt: skip
_error("restore_none", lambda tf: [tf.Variable(1.0), tf.train.Saver().restore(tf.Session(), None)],
    "Can't load save_path when it is None.")  # fmt: skip
_error(
    "restore_missing", lambda tf: _restored(tf, lambda tf: tf.Variable([1.0], name="v")), "v", "not found in checkpoint"
)
_error("restore_shape", lambda tf: _restored(tf, lambda tf: tf.Variable([1.0, 2.0, 3.0], name="w")), "3", "2")
_error("freeze_without_values", _frozen_without_values, "w")
_error("freeze_missing", lambda tf: tf.graph_util.extract_sub_graph(_definition(tf), ["z"]), "z is not in graph")
_error("freeze_name", lambda tf: tf.graph_util.extract_sub_graph(_definition(tf), "y"), "dest_nodes must be a list")
_error("import_type", lambda tf: tf.import_graph_def(3), "graph_def must be")
_error("import_element", lambda tf: tf.import_graph_def(_definition(tf), return_elements=["z:0"]), "z:0", "not found")
_error(
    "import_map", lambda tf: tf.import_graph_def(_definition(tf), {"q:0": tf.zeros([2])}), "not found in graph_def", "q"
)
_error(
    "import_map_dtype", lambda tf: tf.import_graph_def(_definition(tf), {"x:0": tf.zeros([2], tf.int32)}), "y", "int32"
)
_error("meta_missing", lambda tf: tf.train.import_meta_graph("/nowhere/m.meta"), "/nowhere/m.meta")
_error("merge_nothing", lambda tf: tf.summary.merge(3), "int")
_error("summary_shape", lambda tf: tf.Session().run(tf.summary.scalar("a", tf.zeros([2]))), "a")
_error("summary_nan", lambda tf: tf.Session().run(tf.summary.histogram("h", tf.log([-1.0]))), "h")
_error("summary_image", lambda tf: tf.Session().run(tf.summary.image("i", tf.zeros([2, 3, 3]))), "4")
_error(
    "summary_twice",
    lambda tf: tf.Session().run(tf.summary.merge([tf.summary.scalar("a", 1.0)] * 2)),
    "uplicate tag",
    "a",
)
_error("stop_hook", lambda tf: tf.train.StopAtStepHook(), "num_steps", "last_step")
_error("stop_hook_step", lambda tf: _monitored(tf, hooks=[tf.train.StopAtStepHook(last_step=1)]), "lobal step")
_error("monitored_changes", lambda tf: _monitored(tf), "finalized")
_error("supervisor_summary", lambda tf: tf.train.Supervisor(graph=tf.get_default_graph(), logdir=None, init_op=tf.no_op(),
    summary_op=None, saver=None).summary_computed(None, b""), "summary writer")  # fmt: skip
