"""Keras's state of a graph: the learning phase, and the names and calls of layers. Keras's settings and session."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from minigraph.core.default_graph import get_default_graph, reset_default_graph
from minigraph.core.dtypes import bool_
from minigraph.core.graph import Graph, Tensor
from minigraph.ops.constant import placeholder_with_default
from minigraph.run.default_session import get_default_session
from minigraph.run.session import Session
from minigraph.run.variable_lists import variables_initializer
from minigraph.run.variables import Variable

__all__ = [
    "clear_session",
    "epsilon",
    "floatx",
    "get_session",
    "get_uid",
    "image_data_format",
    "learning_phase",
    "reset_uids",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "set_learning_phase",
    "set_session",
]


class GraphState:
    """The state of one graph.

    uids: how often each name of a layer was given. history: for each result of a layer its layer, the number of the
    call and of the result. masks: those of tensors that have one. variables: those that `get_session` initialises.
    """

    def __init__(self) -> None:
        self.uids: dict[str, int] = {}
        self.phase: Tensor | int | None = None
        self.history: dict[Tensor, tuple[Any, int, int]] = {}
        self.masks: dict[Tensor, Tensor] = {}
        self.variables: dict[Variable, None] = {}

    def track(self, variables: Iterable[Variable]) -> None:
        """Give variables values before a model runs."""
        self.variables.update(dict.fromkeys(variables))


class _Settings:
    """The state that belongs to no graph."""

    epsilon = 1e-7
    floatx = "float32"
    image_data_format = "channels_last"
    session: Session | None = None


def state_of(graph: Graph | None = None) -> GraphState:
    """The state of a graph, by default the default graph."""
    graph = get_default_graph() if graph is None else graph
    found: GraphState | None = graph.stores.get("keras")
    if found is None:
        found = graph.stores["keras"] = GraphState()
    return found


def epsilon() -> float:
    """The small number that avoids divisions by zero.

    Returns:
        The number; 1e-7 at first.

    Example:
        >>> tf.keras.backend.epsilon()
        1e-07
    """
    return _Settings.epsilon


def set_epsilon(value: float) -> None:
    """Set the number that `epsilon` gives.

    Args:
        value: The number.

    Example:
        >>> tf.keras.backend.set_epsilon(1e-7)
    """
    _Settings.epsilon = value


def floatx() -> str:
    """The dtype of new variables and inputs.

    Returns:
        Its name; "float32" at first.

    Example:
        >>> tf.keras.backend.floatx()
        'float32'
    """
    return _Settings.floatx


def set_floatx(value: str) -> None:
    """Set the dtype of new variables and inputs.

    Args:
        value: "float16", "float32" or "float64".

    Raises:
        ValueError: It is another.

    Example:
        >>> tf.keras.backend.set_floatx("float32")
    """
    if value not in ("float16", "float32", "float64"):
        raise ValueError(f"Unknown floatx type: {value}")
    _Settings.floatx = value


def image_data_format() -> str:
    """Where the channels of images are, for layers that are not told.

    Returns:
        "channels_last" or "channels_first"; the former at first.

    Example:
        >>> tf.keras.backend.image_data_format()
        'channels_last'
    """
    return _Settings.image_data_format


def data_format_of(value: Any) -> str:
    """The data format that an argument names; None for that of `keras.backend`. ValueError for another."""
    found = value or image_data_format()
    if not isinstance(found, str) or found.lower() not in ("channels_last", "channels_first"):
        raise ValueError(
            f'The `data_format` argument must be one of "channels_first", "channels_last". Received: {value}'
        )
    return found.lower()


def set_image_data_format(data_format: str) -> None:
    """Set where the channels of images are.

    Args:
        data_format: "channels_last" or "channels_first".

    Raises:
        ValueError: It is another.

    Example:
        >>> tf.keras.backend.set_image_data_format("channels_last")
    """
    if data_format not in ("channels_last", "channels_first"):
        raise ValueError(f"Unknown data_format: {data_format}")
    _Settings.image_data_format = data_format


def get_session(op_input_list: Any = ()) -> Session:
    """The session in which models run: the default session, or else Keras's own of the default graph.

    It gives values to the variables of layers that have none yet.

    Args:
        op_input_list: TensorFlow's argument, which has no effect.

    Returns:
        The session.

    Example:
        >>> layer = tf.keras.layers.Dense(2, kernel_initializer="ones")
        >>> y = layer(tf.ones([1, 3]))
        >>> print(tf.keras.backend.get_session().run(y))
        [[3. 3.]]
    """
    session = get_default_session()
    if session is None or session.graph is not get_default_graph():
        session = _Settings.session
    if session is None or session.graph is not get_default_graph():
        session = _Settings.session = Session()
    new = [v for v in state_of(session.graph).variables if not session.buffers.is_initialised(v.op.name)]
    if new:
        with session.graph.as_default():
            session.run(variables_initializer(new))
    return session


def set_session(session: Session) -> None:
    """Make models run in a session.

    Args:
        session: The session.

    Example:
        >>> session = tf.Session()
        >>> tf.keras.backend.set_session(session)
        >>> tf.keras.backend.get_session() is session
        True
    """
    _Settings.session = session


def clear_session() -> None:
    """Begin a new default graph and forget the session, so that names count from the start again.

    Example:
        >>> tf.keras.layers.Dense(3).name, tf.keras.layers.Dense(3).name
        ('dense', 'dense_1')
        >>> tf.keras.backend.clear_session()
        >>> tf.keras.layers.Dense(3).name
        'dense'
    """
    _Settings.session = None
    reset_default_graph()


def learning_phase() -> Tensor | int:
    """Whether the graph trains: what layers such as `Dropout` ask.

    Returns:
        A bool scalar tensor to feed, by default False; a number after `set_learning_phase`.

    Example:
        >>> phase = tf.keras.backend.learning_phase()
        >>> x = tf.keras.backend.in_train_phase(tf.constant(1.0), tf.constant(0.0))
        >>> float(tf.Session().run(x, {phase: True}))
        1.0
    """
    state = state_of()
    if state.phase is None:
        graph = get_default_graph()
        with graph.name_scope(None), graph.control_dependencies(None):
            state.phase = placeholder_with_default(False, [], name="keras_learning_phase")
        assert state.phase.dtype is bool_
    return state.phase


def phase_feeds(training: bool) -> dict[Any, Any]:
    """The feeds that tell the default graph whether it trains."""
    phase = state_of().phase
    return {phase: training} if isinstance(phase, Tensor) else {}


def set_learning_phase(value: int) -> None:
    """Fix the learning phase of nodes that are built from here on.

    Args:
        value: 1 for training, 0 for inference.

    Raises:
        ValueError: It is another.

    Example:
        >>> tf.keras.backend.set_learning_phase(1)
        >>> tf.keras.backend.learning_phase()
        1
    """
    if value not in (0, 1):
        raise ValueError("Expected learning phase to be 0 or 1.")
    state_of().phase = int(value)


def get_uid(prefix: str = "") -> int:
    """Count the calls with a prefix, in the default graph.

    Args:
        prefix: The prefix.

    Returns:
        The number of calls so far, including this one.

    Example:
        >>> tf.keras.backend.get_uid("dense"), tf.keras.backend.get_uid("dense")
        (1, 2)
    """
    uids = state_of().uids
    uids[prefix] = uids.get(prefix, 0) + 1
    return uids[prefix]


def reset_uids() -> None:
    """Let `get_uid` count from the start again.

    Example:
        >>> _ = tf.keras.backend.get_uid("dense")
        >>> tf.keras.backend.reset_uids()
        >>> tf.keras.backend.get_uid("dense")
        1
    """
    state_of().uids.clear()


def unique_name(kind: str) -> str:
    """The default name of a new layer of a class: `dense`, `dense_1`, …"""
    name = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", kind)
    name = re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
    name = f"private{name}" if name.startswith("_") else name
    number = get_uid(name) - 1
    return f"{name}_{number}" if number else name
