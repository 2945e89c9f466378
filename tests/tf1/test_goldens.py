"""The same programs under minigraph as TensorFlow 1.15.5 once ran: values, names, shapes and errors must agree.

The programs are in ``goldens/``; ``goldens/record.py`` made the files beside them.
"""

from __future__ import annotations

import builtins
import importlib
import json
import sys
from typing import Any

import numpy as np
import pytest
from support.paths import GOLDENS

import minigraph
import minigraph.tf1

# Exception classes of tf.errors; TensorFlow's other classes are judged by their nearest built-in base.
TF_ERRORS = {
    "AbortedError", "AlreadyExistsError", "CancelledError", "DataLossError", "DeadlineExceededError",
    "FailedPreconditionError", "InternalError", "InvalidArgumentError", "NotFoundError", "OpError", "OutOfRangeError",
    "PermissionDeniedError", "ResourceExhaustedError", "UnavailableError", "UnimplementedError", "UnknownError",
}  # fmt: skip


# Recorded for what is still to come: the first symbol each case misses. When it arrives, the entry must go.
LATER: dict[str, str] = {}

# Where minigraph differs on purpose, by reason. See docs/tf1.md.
DIFFERENCES: dict[str, set[tuple[str, str]]] = {
    "TensorFlow stops the gradient at the mean inside the variance, which loses a term of the second derivative.": {
        ("op_moments", "ddx0"),
    },
    "TensorFlow does not know the shape of an image that is turned.": {
        ("op_flips", "shapes"),
        ("op_flips_one", "shapes"),
    },
    "TensorFlow's gradient of an inverse ignores `adjoint`, so it is transposed.": {
        ("op_matrix_inverse_adjoint", "dx0")
    },
    "TensorFlow does not look at the ids of segments, even where they are constants.": {
        ("op_segment_sum", "shapes"),
        ("op_segment_max_gaps", "shapes"),
        ("op_segment_min_gaps", "shapes"),
        ("op_segment_prod_gaps", "shapes"),
    },
    "TensorFlow drops the gradients of the mean and the variance that the op returns beside its result.": {
        ("op_fused_batch_norm", "dx0"),
    },
    "NaN is the extreme and takes the gradient; TensorFlow's result depends on the order of the elements.": {
        ("op_nan_maximum", "y0"),
        ("op_nan_maximum", "y1"),
        ("op_nan_reduce_max", "y0"),
        ("op_nan_reduce_max", "dx0"),
        ("op_nan_reduce_min", "y0"),
        ("op_nan_reduce_min", "dx0"),
        ("op_nan_argmax", "y0"),
        ("op_nan_argmin", "y0"),
        ("op_nan_max_pool", "y0"),
        ("op_nan_max_pool", "dx0"),
    },
    "The sign of NaN is NaN; in TensorFlow 0.": {("op_nan_pointwise", "y4")},
    "The gradient goes to the first of equal elements; in TensorFlow's max_pool3d, alone, to all.": {
        ("op_ties_pool3d", "dx0"),
    },
    "TensorFlow loses small numbers in exp(x) - 1, and takes the slope from the result.": {
        ("op_kinks_selu", "dx0"),
        ("signs_activations_float32", "minus elu"),
        ("signs_activations_float32", "minus selu"),
        ("signs_activations_float64", "minus elu"),
        ("signs_activations_float64", "minus selu"),
    },
    "Derivatives of products and powers at 0 are finite; TensorFlow divides by 0 on the way.": {
        ("op_zero_reduce_prod", "ddx0"),
        ("op_zero_reduce_prod_ranks", "ddx0"),
        ("op_zero_powers", "ddx0"),
        ("op_zero_power_zero", "dx0"),
        ("op_zero_power_zero", "ddx0"),
        ("op_zero_power_zero", "ddw0"),
        ("op_zero_power_zero", "ddw1"),
        ("op_zero_power_both", "dx0"),
    },
    "TensorFlow's second derivative of a cross entropy leaves the labels out.": {("op_zero_softmax_xent", "ddx0")},
    "-0 is negated, rounded and has a root as IEEE 754 says; TensorFlow's vector code loses or keeps the sign.": {
        ("signs_odd_float32", "minus negative"),
        ("signs_odd_float32", "minus round"),
        ("signs_odd_float64", "minus negative"),
        ("signs_odd_float64", "minus round"),
        ("signs_roots_float32", "minus sqrt"),
    },
    "relu(-0) is 0; in TensorFlow's vector code it is -0, in its scalar code 0.": {
        ("signs_activations_float32", "minus relu"),
        ("signs_activations_float32", "minus relu6"),
        ("signs_activations_float64", "minus relu"),
        ("signs_activations_float64", "minus relu6"),
    },
    "The root of infinity is infinity; TensorFlow's vector code gives NaN.": {
        ("signs_roots_float32", "sqrt"),
        ("signs_roots_float32", "rsqrt"),
        ("signs_roots_float32", "minus rsqrt"),
    },
    "minigraph knows the size that follows from the others.": {("keras_reshape", "output_shape")},
    "A rectangle beyond an image of unknown size is refused by the slice, with its numbers.": {
        ("error_run_image_crop", "error")
    },
    "A mirrored border may be wider than the tensor: it is mirrored again, as in NumPy.": {
        ("error_run_reflect", "error")
    },
}
DEVIATIONS = {place for places in DIFFERENCES.values() for place in places}


FACADE = {
    "cases_candidates",
    "cases_elementary",
    "cases_partitions",
    "cases_segments",
    "cases_input",
    "cases_slim",
    "cases_arguments",
    "cases_contrib",
    "cases_files",
    "cases_graphs",
    "cases_loop_counts",
    "cases_names",
    "cases_objects",
    "cases_rnn",
    "cases_sparse",
}  # cases of what old programs alone use


def load_cases() -> tuple[dict[str, Any], dict[str, Any]]:
    """All cases by name, and the module that each is about."""
    sys.path.insert(0, str(GOLDENS))
    try:
        cases: dict[str, Any] = importlib.import_module("cases").CASES
        groups: dict[str, tuple[str, ...]] = importlib.import_module("cases").GROUPS
        about: dict[str, Any] = {}
        for module in (name for modules in groups.values() for name in modules):
            importlib.import_module(module)
            about |= {n: minigraph.tf1 if module in FACADE else minigraph for n in cases if n not in about}
        return cases, about
    finally:
        sys.path.remove(str(GOLDENS))


CASES, ABOUT = load_cases()
RECORDED: dict[str, dict[str, Any]] = {}
for _path in sorted(GOLDENS.glob("tf1*.json")):
    RECORDED |= json.loads(_path.read_text())["cases"]
    with np.load(_path.with_suffix(".npz")) as _file:
        for _name in _file.files:
            _case, _, _key = _name.partition("|")
            RECORDED[_case][_key] = _file[_name]


def expected_class(classes: list[str]) -> str:
    """The nearest class to a recorded exception that a user could name: of tf.errors, or built in."""
    return next(name for name in classes if name in TF_ERRORS or hasattr(builtins, name))


def check_error(got: dict[str, Any], want: dict[str, Any]) -> None:
    expected = expected_class(want["classes"])
    assert expected in got["classes"], f"want {expected}: {want['message']}\n got {got['classes']}: {got['message']}"
    said = got["message"].partition(", made at ")[0]  # a quoted line of the program may hold the phrase, too
    for phrase in want["phrases"]:
        assert phrase in said, f"want {phrase!r} as in {want['message']!r}\n got {got['message']!r}"


def check_array(key: str, got: Any, want: Any, rtol: float, atol: float) -> None:
    got = np.asarray(got)
    assert (got.dtype, got.shape) == (want.dtype, want.shape), key
    if np.issubdtype(want.dtype, np.floating):
        np.testing.assert_allclose(got, want, rtol=rtol, atol=atol, err_msg=key)
    else:
        np.testing.assert_array_equal(got, want, err_msg=key)


def check(name: str, key: str, got: Any) -> None:
    want, case = RECORDED[name][key], CASES[name]
    if key == "error":
        check_error(got, want)
    elif isinstance(want, np.ndarray):
        check_array(key, got, want, case.rtol, case.atol)
    else:
        assert json.loads(json.dumps(got)) == want, key


@pytest.mark.parametrize("name", CASES)
def test_case(name: str) -> None:
    case, recorded, tf = CASES[name], RECORDED[name], ABOUT[name]
    if name in LATER:
        with pytest.raises(AttributeError, match=f"no attribute '{LATER[name]}'"):
            case.run(tf)
        pytest.skip(f"tf.{LATER[name]} is not part of minigraph yet")
    results = case.run(tf)
    assert sorted(results) == sorted(recorded)
    for key in recorded:
        if (name, key) not in DEVIATIONS:
            check(name, key, results[key])


def test_every_difference_is_one() -> None:
    """What agrees with TensorFlow by now must go from the list."""
    for name in {name for name, _ in DEVIATIONS}:
        results = CASES[name].run(ABOUT[name])
        for key in (key for other, key in DEVIATIONS if other == name):
            with pytest.raises(AssertionError):
                check(name, key, results[key])


def test_every_case_is_recorded() -> None:
    assert sorted(CASES) == sorted(RECORDED)
