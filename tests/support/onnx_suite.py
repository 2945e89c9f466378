"""The ONNX project's node tests through the importer, counted by operator.

`python tests/support/onnx_suite.py` rewrites the table in docs/onnx.md."""

from __future__ import annotations

import re
import sys
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx.backend.test.loader import load_model_tests

import minigraph as tf
from minigraph.onnx import NeedsConstantError, load

PAGE = Path(__file__).parents[2] / "docs" / "onnx.md"
BEGIN, END = "<!-- node tests -->\n", "<!-- end of node tests -->\n"


class Case(NamedTuple):
    """One node test. operator: that it is about. direct: not spelled out by ONNX's definition of the operator.
    lacks_dtype: it is about a dtype that minigraph does not have. error: empty where it passes."""

    name: str
    operator: str
    direct: bool
    lacks_dtype: bool
    error: str


def run_cases() -> list[Case]:
    """All node tests; none is skipped."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of NumPy, where the suite makes its expected values
        cases = load_model_tests(kind="node")
        operators = {c.name: _operator(c.model) for c in cases}
        return [_run(case, operators) for case in cases]


def _operator(model: Any) -> str:
    names = [f"{n.domain}.{n.op_type}" if n.domain else n.op_type for n in model.graph.node]
    return names[0] if len(names) == 1 else "several operators"


def _run(case: Any, operators: Mapping[str, str]) -> Case:
    stem = re.sub(r"_expanded(_ver\d+)?$", "", case.name)
    operator = operators.get(stem, operators[case.name])
    try:
        for inputs, outputs in case.data_sets:
            given = {i.name: _array(a) for i, a in zip(case.model.graph.input, inputs, strict=False)}
            _compare(evaluate(case.model, given), [_array(o) for o in outputs], case)
        error = ""
    except Exception as failure:
        error = f"{type(failure).__name__}: {' '.join(str(failure).split())}"
    return Case(case.name, operator, stem == case.name, "minigraph has no dtype for" in error, error)


def _array(value: Any) -> Any:
    return onnx.numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else value


def evaluate(model: Any, given: Mapping[str, Any], variables: bool = False) -> list[Any]:
    """What a model gives for these inputs; those that decide shapes are fixed at import, the others are fed.

    The outputs of a sequence are those of its elements.
    """
    special = {i.name for i in model.graph.input if i.type.WhichOneof("value") != "tensor_type"}
    fixed: dict[str, Any] = {}
    while True:
        with tf.Graph().as_default():
            try:
                fed: dict[Any, Any] = {}
                parts = {name: _fed(given[name], fed) for name in special - fixed.keys()}
                found = load(model, fixed | parts, variables)
            except NeedsConstantError as error:
                new = {name: given[name] for name in error.inputs if name not in fixed}
                if not new:
                    raise
                fixed |= new
                continue
            with tf.Session() as session:
                if variables:
                    session.run(tf.global_variables_initializer())
                feeds = fed | {tensor: given[name] for name, tensor in found.inputs.items()}
                return session.run(list(found.outputs.values()), feeds)


def _fed(value: Any, feeds: dict[Any, Any]) -> Any:
    """Placeholders for the tensors of a sequence or an optional value; their feeds go into `feeds`."""
    if value is None:
        return None
    if isinstance(value, list):
        return [_fed(v, feeds) for v in value]
    tensor = tf.placeholder(value.dtype, value.shape)
    feeds[tensor] = value
    return tensor


def _compare(got: list[Any], wanted: list[Any], case: Any) -> None:
    wanted = [part for w in wanted for part in (w if isinstance(w, list) else [w])]
    assert len(got) == len(wanted)
    for mine, theirs in zip(map(np.asarray, got), wanted, strict=True):
        assert (mine.dtype, mine.shape) == (theirs.dtype, theirs.shape)
        np.testing.assert_allclose(mine, theirs, rtol=case.rtol, atol=case.atol)


def supported(cases: list[Case]) -> set[str]:
    """The operators of which at least one test passes as it stands."""
    return {c.operator for c in cases if c.direct and not c.error}


def table(cases: list[Case]) -> str:
    """The counts as Markdown."""
    return "\n".join(_lines(cases)) + "\n"


def _lines(cases: list[Case]) -> Iterator[str]:
    known = supported(cases)
    mine = [c for c in cases if c.operator in known]
    typed = [c for c in mine if not c.lacks_dtype]
    yield f"With onnx {onnx.__version__}: {len(cases)} node tests of {len({c.operator for c in cases})} operators."
    yield f"Of all of them {sum(not c.error for c in cases)} pass: {sum(not c.error for c in cases) / len(cases):.1%}."
    yield f"{len(mine)} are of the {len(known)} supported operators."
    yield ""
    yield "| tests of supported operators | pass | of | |"
    yield "|---|---|---|---|"
    yield f"| all | {_share(mine)} |"
    yield f"| without those of dtypes that minigraph lacks | {_share(typed)} |"
    yield ""
    yield "| supported operator | pass | of | lack of a dtype | other failures |"
    yield "|---|---|---|---|---|"
    by_operator = Counter(c.operator for c in mine)
    for operator in sorted(known):
        own = [c for c in mine if c.operator == operator]
        failed = [c for c in own if c.error]
        dtypes = sum(c.lacks_dtype for c in failed)
        rest = ", ".join(f"`{c.name.removeprefix('test_')}`" for c in failed if not c.lacks_dtype)
        yield f"| {operator} | {len(own) - len(failed)} | {by_operator[operator]} | {dtypes or ''} | {rest} |"
    yield ""
    others = Counter(c.operator for c in cases if c.operator not in known)
    spelled = {o: sum(not c.error for c in cases if c.operator == o) for o in others}
    yield "Not supported, with the number of tests (and of those that pass, being spelled out by other operators):"
    yield ", ".join(f"{o} {n}" + (f" ({spelled[o]})" if spelled[o] else "") for o, n in sorted(others.items())) + "."


def _share(cases: list[Case]) -> str:
    passed = sum(not c.error for c in cases)
    return f"{passed} | {len(cases)} | {passed / len(cases):.1%}"


def written() -> str:
    """The table that stands in docs/onnx.md."""
    return PAGE.read_text("utf-8").partition(BEGIN)[2].partition(END)[0]


if __name__ == "__main__":
    found = run_cases()
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    PAGE.write_text(before + BEGIN + table(found) + END + rest.partition(END)[2], "utf-8")
    known = supported(found)
    sys.stdout.writelines(f"{c.name}: {c.error[:150]}\n" for c in found if c.error and c.operator in known)
