"""The chain rule line by line: which outputs a value takes part in, the derivative of each, and the sum."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import sympy

import minigraph as tf
from minigraph.backends.sympy import branches_at, symbols
from minigraph.tools.textbook.derive.document import (
    Block,
    Claim,
    Equations,
    Heading,
    Prose,
    Term,
    as_text,
    name,
    partial,
)
from minigraph.tools.textbook.derive.problem import Array, Problem, equal

_MOST = 16  # elements of one array that are written out


class Chain(NamedTuple):
    """A problem to take apart. output: the letter of its output. point: decides the branches of maxima and ReLU."""

    problem: Problem
    output: str
    point: Mapping[Any, Any] = {}
    simplify: Callable[[Any], Any] = sympy.expand


class _Stage(NamedTuple):
    """A value between inputs and output. adjoint: symbols for ∂L/∂value."""

    tensor: tf.Tensor
    symbols: Array
    adjoint: Array


class _Local(NamedTuple):
    """A stage as a function of all before it, and its derivatives by their elements, in the order of both."""

    value: Array
    partials: Mapping[str, Array]  # [elements of the earlier value, elements of this one]


def chain_rule(chain: Chain, check: bool) -> tuple[list[Block], list[Claim]]:
    """The steps backward through a problem, from its output to its inputs; with `check`, claims about them."""
    stages = _stages(chain)
    inputs = len(chain.problem.inputs)
    locals_ = {n: _local(chain, stages, n) for n in list(stages)[inputs:]}
    blocks: list[Block] = [Heading("The chain rule, line by line")]
    inner = list(stages)[inputs:-1]
    if inner:
        between = [line for n in inner for line in _definition(stages[n], locals_[n])]
        blocks += [Prose("The layer in steps; each value is a function of those before it:"), Equations(between)]
        blocks.append(Equations(_definition(stages[chain.output], locals_[chain.output])))
    blocks.append(Prose("δ stands for the gradient ∂L/∂ of the output. Backward, from the last value to the first:"))
    for n in reversed(list(stages)[:-1]):
        blocks += _backward(n, stages, locals_, n in inner)
    return blocks, _claims(chain, stages, locals_) if check else []


def _stages(chain: Chain) -> dict[str, _Stage]:
    """The inputs that have gradients, the inner values and the output, in order."""
    problem = chain.problem
    stages = {}
    for n, (tensor, letters) in {**problem.inputs, **problem.named}.items():
        adjoint = np.empty(letters.shape, object)
        for index, letter in np.ndenumerate(letters):
            adjoint[index] = sympy.Symbol(f"∂L/∂{as_text(letter)}", real=True)
        stages[n] = _Stage(tensor, letters, adjoint)
    stages[chain.output] = _Stage(
        problem.output, symbols(chain.output, problem.output.type.static), np.reshape(problem.delta[1], -1)
    )
    return stages


def _local(chain: Chain, stages: Mapping[str, _Stage], which: str) -> _Local:
    """Run one stage and its gradient graph, with symbols for all values before it."""
    earlier = dict(list(stages.items())[: list(stages).index(which)])
    stage = stages[which]
    probes = np.reshape([sympy.Symbol(f"probe{i}", real=True) for i in range(stage.symbols.size)], stage.symbols.shape)
    tensors = [s.tensor for s in earlier.values()]
    with chain.problem.graph.as_default():
        weights = tf.placeholder(stage.tensor.dtype, stage.symbols.shape)
        found = tf.gradients(stage.tensor, tensors, grad_ys=[weights], stop_gradients=tensors)
    depends = {n: tf.convert_to_tensor(g) for n, g in zip(earlier, found, strict=True) if g is not None}
    feeds = {s.tensor: s.symbols for s in earlier.values()}
    with tf.Session(graph=chain.problem.graph, backend="sympy", optimize="O0") as session, branches_at(chain.point):
        value, gradients = session.run([stage.tensor, depends], {**feeds, weights: probes})
    partials = {}
    for n, gradient in gradients.items():
        slopes = [_tidy(sympy.diff(g, p)) for g in np.asarray(gradient, object).flat for p in probes.flat]
        partials[n] = np.reshape(slopes, (-1, probes.size))
    return _Local(np.asarray(value, object), partials)


def _tidy(expression: Any) -> Any:
    """Factored; but roots stay as they are, because their constants would go apart."""
    roots = any(not power.exp.is_integer for power in expression.atoms(sympy.Pow))
    return expression if roots else sympy.factor(expression)


def _definition(stage: _Stage, local: _Local) -> list[tuple[Term, Any]]:
    return [(name(s), v) for s, v in zip(stage.symbols.flat, local.value.flat, strict=True)]


def _backward(which: str, stages: Mapping[str, _Stage], locals_: Mapping[str, _Local], inner: bool) -> list[Block]:
    """The lines for the gradient of one value; inner: later lines refer to it."""
    readers = [(stages[n], local.partials[which]) for n, local in locals_.items() if which in local.partials]
    blocks: list[Block] = []
    if not readers:
        return blocks
    elements = list(stages[which].symbols.flat)
    for j, element in enumerate(elements[:_MOST]):
        terms = [
            (reader.symbols.flat[k], reader.adjoint.flat[k], partials[j, k])
            for reader, partials in readers
            for k in range(reader.symbols.size)
            if partials[j, k] != 0
        ]
        if not terms:
            continue
        ratios = [sympy.Symbol(f"∂{as_text(s)}/∂{as_text(element)}", real=True) for s, _, _ in terms]
        products = [sympy.Mul(a, r, evaluate=False) for (_, a, _), r in zip(terms, ratios, strict=True)]
        rule = sympy.Add(*products, evaluate=False)
        total = sympy.Add(*[a * d for _, a, d in terms])
        parts = ", ".join(as_text(s) for s, _, _ in terms)
        blocks.append(Prose(f"{as_text(element)} takes part in {parts}:"))
        lines = [(partial(element), rule)]
        lines += [(name(r), d) for r, (_, _, d) in zip(ratios, terms, strict=True)]
        lines.append((partial(element), total))
        blocks.append(Equations(lines))
    if len(elements) > _MOST:
        blocks.append(Prose(f"The other {len(elements) - _MOST} elements of {which} follow in the same way."))
    return blocks


def _claims(chain: Chain, stages: Mapping[str, _Stage], locals_: Mapping[str, _Local]) -> list[Claim]:
    """The partial derivatives against those of the forward run, and the product of all steps against the gradient."""
    forward = all(
        equal([sympy.diff(v, e)], [partials[j, k]], sympy.simplify)
        for local in locals_.values()
        for n, partials in local.partials.items()
        for j, e in enumerate(stages[n].symbols.flat)
        for k, v in enumerate(local.value.flat)
    )
    return [
        Claim(
            "each ∂ in the steps is the derivative of the forward run's expression",
            forward,
            "exact" if forward else "the expressions differ",
        ),
        *(_whole(chain, stages, locals_, n) for n in chain.problem.gradients),
    ]


def _whole(chain: Chain, stages: Mapping[str, _Stage], locals_: Mapping[str, _Local], which: str) -> Claim:
    """All steps put into one another, against the gradient graph."""
    problem = chain.problem
    values: dict[Any, Any] = {}
    for n in problem.named:
        values |= {s: v.xreplace(values) for s, v in zip(stages[n].symbols.flat, locals_[n].value.flat, strict=True)}
    adjoints = dict(zip(stages[chain.output].adjoint.flat, problem.delta[1].flat, strict=True))
    for n in [*reversed(list(problem.named)), which]:
        readers = [(stages[r], local.partials[n]) for r, local in locals_.items() if n in local.partials]
        for j, adjoint in enumerate(stages[n].adjoint.flat):
            total = sum((r.adjoint.flat[k] * p[j, k] for r, p in readers for k in range(p.shape[1])), sympy.S.Zero)
            adjoints[adjoint] = total.xreplace(adjoints)
    feeds = dict([*problem.inputs.values(), problem.delta])
    with tf.Session(graph=problem.graph, backend="sympy", optimize="O0") as session, branches_at(chain.point):
        direct = session.run(problem.gradients[which], feeds)
    steps = [adjoints[a].xreplace(values) for a in stages[which].adjoint.flat]
    holds = equal(steps, np.asarray(direct, object), chain.simplify)
    return Claim(f"the steps together give ∂L/∂{which}", holds, "exact" if holds else "the expressions differ")
