"""`tf.test.TestCase`."""

from __future__ import annotations

import contextlib
import random
import re
import tempfile
import threading
import unittest
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

import minigraph as tf

_SEED = 87654321  # the default seed of graphs in TensorFlow


class TestCase(unittest.TestCase):
    """A test case with a default graph and seeds of its own, and assertions about arrays.

    Example:
        >>> import minigraph.tf1 as tf
        >>> class SquareTest(tf.test.TestCase):
        ...     def runTest(self):
        ...         with self.test_session():
        ...             self.assertAllClose([1.0, 4.0], tf.square([1.0, 2.0]).eval())
        >>> SquareTest().run().wasSuccessful()
        True
    """

    # Attributes are made here, as many tests override setUp without calling it.
    def __init__(self, methodName: str = "runTest") -> None:
        super().__init__(methodName)
        self._threads: list[CheckedThread] = []
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._kept: Any = None
        self._kept_for: tuple[Any, Any] = (None, None)  # its graph and configuration, as they were given

    def run(self, result: Any = None) -> Any:
        tf.reset_default_graph()
        return super().run(result)

    def setUp(self) -> None:
        random.seed(_SEED)
        np.random.seed(_SEED)
        tf.get_default_graph().seed = _SEED

    def tearDown(self) -> None:
        for thread in self._threads:
            self.assertFalse(thread.is_alive(), "a thread of checkedThread still runs")
        if self._kept is not None:
            self._kept.close()
            self._kept = None
        if self._folder is not None:
            self._folder.cleanup()

    def get_temp_dir(self) -> str:
        """A folder for the test, the same in each call, which is removed after it."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        return self._folder.name

    @contextlib.contextmanager
    def session(
        self, graph: Any = None, config: Any = None, use_gpu: bool = False, force_gpu: bool = False
    ) -> Iterator[Any]:
        """A new session for a `with` block. Neither GPU argument acts: Session(backend=...) chooses."""
        with tf.Session(graph=graph, config=config) as session:
            yield session

    @contextlib.contextmanager
    def cached_session(
        self, graph: Any = None, config: Any = None, use_gpu: bool = False, force_gpu: bool = False
    ) -> Iterator[Any]:
        """The test's session, the same in each call. ValueError for another graph or configuration than at first."""
        kept = self._kept_session(graph, config)
        for what, given, known in zip(("graph", "config"), (graph, config), self._kept_for, strict=True):
            if given is not known:
                raise ValueError(
                    f"The {what} used to get the cached session is different than the one that was used to create the "
                    "session. Maybe create a new session with self.session()"
                )
        with kept.graph.as_default(), kept.as_default():
            yield kept

    @contextlib.contextmanager
    def test_session(
        self, graph: Any = None, config: Any = None, use_gpu: bool = False, force_gpu: bool = False
    ) -> Iterator[Any]:
        """The test's session, whatever its configuration; a new session if a graph is given."""
        if graph is not None:
            with self.session(graph, config) as session:
                yield session
            return
        kept = self._kept_session(None, config)
        with kept.graph.as_default(), kept.as_default():
            yield kept

    def _kept_session(self, graph: Any, config: Any) -> Any:
        if self._kept is None:
            self._kept, self._kept_for = tf.Session(graph=graph, config=config), (graph, config)
        return self._kept

    test_session.__test__ = False  # type: ignore[attr-defined]  # no test, for runners that collect by name

    def evaluate(self, tensors: Any) -> Any:
        """The values of tensors in the default session."""
        session = tf.get_default_session() or self._kept
        if session is None:
            with self.cached_session() as opened:
                return opened.run(tensors)
        return session.run(tensors)

    def _value(self, given: Any) -> Any:
        """What to compare: the values of tensors, other things themselves."""
        return self.evaluate(given) if isinstance(given, tf.Tensor | tf.Variable) else given

    def checkedThread(
        self, target: Callable[..., Any], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> CheckedThread:
        """A thread whose `join` fails the test if the target raised an error."""
        self._threads.append(CheckedThread(self, target, args or (), kwargs or {}))
        return self._threads[-1]

    def assertNear(self, f1: float, f2: float, err: float, msg: Any = None) -> None:
        """Assert that two numbers differ by at most err."""
        self.assertTrue(abs(f1 - f2) <= err, msg or f"{f1} and {f2} differ by more than {err}")

    def assertArrayNear(self, farray1: Sequence[float], farray2: Sequence[float], err: float, msg: Any = None) -> None:
        """Assert that the numbers of two sequences differ by at most err each."""
        self.assertEqual(len(farray1), len(farray2), msg)
        for one, other in zip(farray1, farray2, strict=True):
            self.assertNear(float(one), float(other), err, msg)

    def assertNDArrayNear(self, ndarray1: Any, ndarray2: Any, err: float, msg: Any = None) -> None:
        """Assert that the Euclidean norm of the difference of two arrays is below err."""
        self.assertTrue(np.linalg.norm(ndarray1 - ndarray2) < err, msg)

    def assertAllClose(self, a: Any, b: Any, rtol: float = 1e-6, atol: float = 1e-6, msg: Any = None) -> None:
        """Assert that two arrays, or the arrays of two nested structures, have equal shapes and close values."""
        a, b = self._value(a), self._value(b)
        if isinstance(a, Mapping) != isinstance(b, Mapping):
            raise ValueError(f"Can't compare dict to non-dict, {a} vs {b}.")
        if isinstance(a, Mapping):
            self.assertCountEqual(a, b, msg)
            for key in a:
                self.assertAllClose(a[key], b[key], rtol, atol, f"{msg or ''} at {key!r}")
            return
        one, other = _arrays(a), _arrays(b)
        if one is None or other is None:
            self.assertEqual(len(a), len(b), msg)
            for index, (x, y) in enumerate(zip(a, b, strict=True)):
                self.assertAllClose(x, y, rtol, atol, f"{msg or ''} at {index}")
            return
        self.assertEqual(
            one.shape, other.shape, f"Shape mismatch: expected {one.shape}, got {other.shape}. {msg or ''}"
        )
        if not np.allclose(one, other, rtol=rtol, atol=atol):
            np.testing.assert_allclose(other, one, rtol=rtol, atol=atol, err_msg=str(msg or ""))

    def assertAllCloseAccordingToType(
        self,
        a: Any,
        b: Any,
        rtol: float = 1e-6,
        atol: float = 1e-6,
        float_rtol: float = 1e-6,
        float_atol: float = 1e-6,
        half_rtol: float = 1e-3,
        half_atol: float = 1e-3,
        bfloat16_rtol: float = 1e-2,
        bfloat16_atol: float = 1e-2,
        msg: Any = None,
    ) -> None:
        """assertAllClose, with wider tolerances where an array has a dtype of fewer bits."""
        a, b = self._value(a), self._value(b)
        kinds = {np.asarray(a).dtype, np.asarray(b).dtype}
        if np.dtype(np.float32) in kinds:
            rtol, atol = max(rtol, float_rtol), max(atol, float_atol)
        if np.dtype(np.float16) in kinds:
            rtol, atol = max(rtol, half_rtol), max(atol, half_atol)
        if "bfloat16" in {kind.name for kind in kinds}:
            rtol, atol = max(rtol, bfloat16_rtol), max(atol, bfloat16_atol)
        self.assertAllClose(a, b, rtol, atol, msg)

    def assertAllEqual(self, a: Any, b: Any, msg: Any = None) -> None:
        """Assert that two arrays have equal shapes and values; NaN equals NaN."""
        one, other = np.asarray(self._value(a)), np.asarray(self._value(b))
        self.assertEqual(
            one.shape, other.shape, f"Shape mismatch: expected {one.shape}, got {other.shape}. {msg or ''}"
        )
        np.testing.assert_array_equal(other, one, err_msg=str(msg or ""))

    def assertAllLess(self, a: Any, comparison_target: float) -> None:
        """Assert that all elements are below a number."""
        self.assertLess(np.max(self._value(a)), comparison_target)

    def assertAllGreater(self, a: Any, comparison_target: float) -> None:
        """Assert that all elements are above a number."""
        self.assertGreater(np.min(self._value(a)), comparison_target)

    def assertAllLessEqual(self, a: Any, comparison_target: float) -> None:
        """Assert that no element is above a number."""
        self.assertLessEqual(np.max(self._value(a)), comparison_target)

    def assertAllGreaterEqual(self, a: Any, comparison_target: float) -> None:
        """Assert that no element is below a number."""
        self.assertGreaterEqual(np.min(self._value(a)), comparison_target)

    def assertAllInSet(self, target: Any, expected_set: Any) -> None:
        """Assert that all elements are among these."""
        rest = set(np.asarray(self._value(target)).ravel().tolist()) - set(expected_set)
        self.assertFalse(rest, f"{rest} are not in the set {expected_set}")

    def assertNotAllClose(self, a: Any, b: Any, **kwargs: Any) -> None:
        """Assert that `assertAllClose` fails."""
        self._assert_fails(self.assertAllClose, a, b, **kwargs)

    def assertNotAllEqual(self, a: Any, b: Any, msg: Any = None) -> None:
        """Assert that `assertAllEqual` fails."""
        self._assert_fails(self.assertAllEqual, a, b, msg=msg)

    def _assert_fails(self, assertion: Callable[..., None], *values: Any, **kwargs: Any) -> None:
        try:
            assertion(*values, **kwargs)
        except AssertionError:
            return
        self.fail(f"{assertion.__name__} was expected to fail: {values}")

    def assertAllInRange(
        self, target: Any, lower_bound: float, upper_bound: float, open_lower_bound: bool = False,
        open_upper_bound: bool = False,
    ) -> None:  # fmt: skip
        """Assert that all elements lie between two numbers, which count unless they are open."""
        x = np.asarray(self._value(target))
        above = x > lower_bound if open_lower_bound else x >= lower_bound
        self.assertTrue(np.all(above & (x < upper_bound if open_upper_bound else x <= upper_bound)))

    def assertShapeEqual(self, np_array: Any, tf_tensor: Any, msg: Any = None) -> None:
        """Assert that an array and a tensor have the same shape."""
        if not isinstance(np_array, (np.ndarray, np.generic)):
            raise TypeError(f"np_array must be a NumPy array or number, not {type(np_array).__name__}")
        if not isinstance(tf_tensor, tf.Tensor):
            raise TypeError(f"tf_tensor must be a tensor, not {type(tf_tensor).__name__}")
        self.assertEqual(list(np_array.shape), tf_tensor.shape.as_list(), msg)

    def assertStartsWith(self, actual: str, expected_start: str, msg: Any = None) -> None:
        """Assert that a text has a beginning."""
        self.assertTrue(actual.startswith(expected_start), msg or f"{actual!r} does not start with {expected_start!r}")

    def assertDeviceEqual(self, device1: Any, device2: Any, msg: Any = None) -> None:
        """Assert that two names of devices are equal."""
        self.assertEqual(str(device1 or ""), str(device2 or ""), msg)

    def assertProtoEquals(self, expected_message_maybe_ascii: Any, message: Any, msg: Any = None) -> None:
        """Assert that a protocol buffer equals another, or one written as text with letters up to ÿ for bytes."""
        expected = expected_message_maybe_ascii
        if isinstance(expected, str):
            from google.protobuf import text_format

            bytes_of = lambda m: f"\\{ord(m[0]):03o}"  # noqa: E731
            expected = text_format.Parse(re.sub("[\x80-\xff]", bytes_of, expected), type(message)())
        self.assertEqual(expected, message, msg)

    @contextlib.contextmanager
    def assertRaisesWithPredicateMatch(
        self, exception_type: type[BaseException], expected_err_re_or_predicate: Any
    ) -> Iterator[None]:
        """Assert that the block raises an error whose text contains a pattern, or of which a predicate is true."""
        expected = expected_err_re_or_predicate
        try:
            yield
        except exception_type as error:
            matches = expected(error) if callable(expected) else re.search(expected, _text(error))
            if not matches:
                raise AssertionError(f"{type(error).__name__}: {error} does not match {expected!r}") from error
        else:
            self.fail(f"{exception_type.__name__} not raised")

    def assertRaisesOpError(self, expected_err_re_or_predicate: Any) -> Any:
        """Assert that the block raises an error of a run whose text contains a pattern."""
        return self.assertRaisesWithPredicateMatch(tf.errors.OpError, expected_err_re_or_predicate)

    # Names of Python 2's unittest, which tests for TensorFlow 1 use.
    assertItemsEqual = unittest.TestCase.assertCountEqual
    assertRaisesRegexp = unittest.TestCase.assertRaisesRegex
    assertRegexpMatches = unittest.TestCase.assertRegex
    assertEquals = unittest.TestCase.assertEqual
    assertNotEquals = unittest.TestCase.assertNotEqual
    assert_ = unittest.TestCase.assertTrue


class CheckedThread:
    """A thread that keeps the error of its target for the test."""

    def __init__(
        self, case: TestCase, target: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> None:
        self._case = case
        self._call: Callable[[], Any] = lambda: target(*args, **kwargs)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        try:
            self._call()
        except Exception as error:
            self._error = error

    def start(self) -> None:
        self._thread.start()

    def join(self) -> None:
        """Wait for the thread, and fail the test if its target raised an error."""
        self._thread.join()
        if self._error is not None:
            self._case.fail(f"error in a checkedThread: {self._error}")

    def is_alive(self) -> bool:
        return self._thread.is_alive()


def _arrays(value: Any) -> np.ndarray | None:
    """The value as an array; None if it is a sequence of arrays of different shapes."""
    try:
        found = np.asarray(value)
    except ValueError:
        return None
    return None if found.dtype == object else found


def _text(error: BaseException) -> str:
    """The text of an error, with the name of its operation."""
    op = getattr(error, "op", None)
    return f"{error}\nCaused by: {op.name}" if op is not None else str(error)
