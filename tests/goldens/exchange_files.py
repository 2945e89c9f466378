"""Write and read the files of TensorFlow 1.15.5 and of minigraph, and compare what the graphs compute.

    python exchange_files.py write FOLDER [GRAPH ...]     # with TensorFlow (CPython 3.7) or minigraph
    python exchange_files.py read FOLDER [GRAPH ...]      # with the other one, or the same

``write`` makes, for each graph of ``file_graphs.py``, the files graph.pb, graph.pbtxt, frozen.pb, a checkpoint with its
meta graph, a SavedModel, and expected.npz. ``read`` prints a line for each graph and form. Where TensorFlow cannot be
imported, minigraph is taken.
"""

from __future__ import annotations

import os
import sys
import traceback
import warnings
from typing import Any, Dict, Iterator, List, Tuple

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
warnings.filterwarnings("ignore")

import numpy as np  # noqa: E402

from file_graphs import GRAPHS, Built  # noqa: E402

tf = None  # type: Any  # TensorFlow or minigraph.tf1

FORMS = ("pb", "pbtxt", "checkpoint", "meta", "saved_model", "frozen")
STEPS = 2


def choose() -> Any:
    """TensorFlow where it is installed, else minigraph."""
    try:
        import tensorflow

        tensorflow.compat.v1.logging.set_verbosity(tensorflow.compat.v1.logging.ERROR)
        return tensorflow
    except ImportError:
        import minigraph.tf1

        return minigraph.tf1


def started(session: Any, built: Built) -> None:
    session.run(tf.global_variables_initializer())
    for _ in range(STEPS if built.train else 0):
        session.run(built.train, built.feeds)


def results(session: Any, built: Built) -> Dict[str, Any]:
    return dict(zip(built.outputs, session.run(built.outputs, built.feeds)))


def write(folder: str, name: str) -> None:
    place = os.path.join(folder, name)
    os.makedirs(place)
    with tf.Graph().as_default() as graph, tf.Session() as session:
        tf.set_random_seed(1)
        built = GRAPHS[name](tf)
        saver = tf.train.Saver()
        started(session, built)
        expected = {"out|" + k: v for k, v in results(session, built).items()}
        for variable in tf.global_variables():
            expected["var|" + variable.op.name] = session.run(variable)
        tf.train.write_graph(graph, place, "graph.pb", as_text=False)
        tf.train.write_graph(graph, place, "graph.pbtxt")
        saver.save(session, os.path.join(place, "model"), global_step=7)
        tensors = [graph.get_tensor_by_name(n) for n in built.outputs]
        inputs = {n.split(":")[0]: graph.get_tensor_by_name(n) for n in built.feeds}
        outputs = {t.name.split(":")[0].replace("/", "_"): t for t in tensors}
        tf.saved_model.simple_save(session, os.path.join(place, "saved"), inputs, outputs)
        names = [n.split(":")[0] for n in built.outputs]
        frozen = tf.graph_util.convert_variables_to_constants(session, graph.as_graph_def(), names)
        with open(os.path.join(place, "frozen.pb"), "wb") as file:
            file.write(frozen.SerializeToString())
        if built.train:
            session.run(built.train, built.feeds)
            expected.update({"next|" + k: v for k, v in results(session, built).items()})
    texts = {k: np.array(v.hex()) for k, v in expected.items() if isinstance(v, bytes)}
    np.savez(os.path.join(place, "expected.npz"), **{**expected, **texts})


def read_graph(path: str) -> Any:
    from google.protobuf import text_format

    message = tf.GraphDef()
    with open(path, "rb") as file:
        content = file.read()
    if path.endswith(".pbtxt"):
        text_format.Merge(content.decode(), message)
    else:
        message.ParseFromString(content)
    return message


def set_variables(session: Any, expected: Dict[str, Any], graph: Any) -> None:
    for key, value in expected.items():
        kind, _, name = key.partition("|")
        if kind == "var":
            if hasattr(session, "write_state"):
                session.write_state({name: value})
            else:
                session.run(tf.assign(graph.get_tensor_by_name(name + ":0"), value))


def loaded(session: Any, form: str, place: str, expected: Dict[str, Any], name: str) -> List[str]:
    """Load the graph in one form. What is not to the bit among the variables."""
    graph = session.graph
    if form in ("pb", "pbtxt"):
        tf.import_graph_def(read_graph(os.path.join(place, "graph." + form)), name="")
        set_variables(session, expected, graph)
    elif form == "frozen":
        tf.import_graph_def(read_graph(os.path.join(place, "frozen.pb")), name="")
        return []
    elif form == "saved_model":
        tf.saved_model.loader.load(session, [tf.saved_model.tag_constants.SERVING], os.path.join(place, "saved"))
    else:
        path = tf.train.latest_checkpoint(place)
        if path is None or not os.path.exists(path + ".index"):
            path = os.path.join(place, "model-7")
        if form == "checkpoint":
            GRAPHS[name](tf)
            saver = tf.train.Saver()
        else:
            saver = tf.train.import_meta_graph(path + ".meta")
        saver.restore(session, path)
    bad = []
    for key, value in expected.items():
        kind, _, variable = key.partition("|")
        if kind == "var":
            found = np.asarray(session.run(graph.get_tensor_by_name(variable + ":0")))
            if found.dtype != value.dtype or found.tobytes() != value.tobytes():
                bad.append(variable)
    return bad


def distance(found: Any, wanted: Any) -> float:
    """The largest difference, relative to the largest number where that is above 1."""
    if wanted.dtype.kind in "USO":
        return 0.0 if isinstance(found, bytes) else 1.0  # a summary, whose bytes hold rounded numbers
    a, b = np.asarray(found, np.float64), np.asarray(wanted, np.float64)
    if a.shape != b.shape:
        return float("inf")
    return float(np.max(np.abs(a - b), initial=0.0) / max(1.0, float(np.max(np.abs(b), initial=0.0))))


def compare(folder: str, name: str, form: str) -> Tuple[float, float, List[str]]:
    place = os.path.join(folder, name)
    with np.load(os.path.join(place, "expected.npz")) as arrays:
        expected = dict(arrays)
    with tf.Graph().as_default():
        built = GRAPHS[name](tf)
    with tf.Graph().as_default(), tf.Session() as session:
        bad = loaded(session, form, place, expected, name)
        worst = [0.0, 0.0]
        for i, kind in enumerate(("out|", "next|")):
            if i == 1 and (not built.train or form == "frozen"):
                continue
            if i == 1:
                session.run(built.train, built.feeds)
            for key, value in results(session, built).items():
                worst[i] = max(worst[i], distance(value, expected[kind + key]))
    return worst[0], worst[1], bad


def report(folder: str, names: List[str]) -> Iterator[bool]:
    for name in names:
        for form in FORMS:
            try:
                now, after, bad = compare(folder, name, form)
                good = now <= 1e-6 and after <= 1e-5 and not bad
                text = "%.1e, after a step %.1e%s" % (now, after, ", not to the bit: %s" % bad if bad else "")
            except Exception as error:
                good, text = False, "%s: %s" % (type(error).__name__, str(error)[:600])
                if os.environ.get("TRACE"):
                    traceback.print_exc()
            print("%-28s %-12s %s %s" % (name, form, "ok " if good else "BAD", text), flush=True)
            yield good


def main() -> None:
    global tf
    tf = choose()
    mode, folder, *names = sys.argv[1:]
    if mode == "write":
        for name in names or GRAPHS:
            write(folder, name)
            print(name, flush=True)
        return
    done = list(report(folder, names or list(GRAPHS)))
    print("%d of %d" % (sum(done), len(done)))
    sys.exit(0 if all(done) else 1)


if __name__ == "__main__":
    main()
