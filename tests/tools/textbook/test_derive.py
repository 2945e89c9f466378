"""`minigraph derive`: what it prints, that its checks can fail, and what it answers to mistakes.

The layers are all of `tools/textbook/derive/`.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

sympy = pytest.importorskip("sympy")

from minigraph.backends.sympy import symbols  # noqa: E402
from minigraph.tools.cli import main  # noqa: E402
from minigraph.tools.textbook.derive import convolution, problem, steps  # noqa: E402
from minigraph.tools.textbook.derive.document import Claims, Prose, as_text, latex_prose  # noqa: E402
from minigraph.tools.textbook.derive.layers import LAYERS, derive, failures, write  # noqa: E402
from minigraph.tools.textbook.derive.problem import DeriveOptions  # noqa: E402


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["derive", *arguments])


CASES = [
    ("conv2d", {}),
    ("conv2d", {"size": (4, 3), "kernel": (3, 2)}),
    ("conv2d", {"padding": "SAME"}),
    ("conv2d", {"size": (4, 5), "kernel": (3, 2), "stride": (2, 1), "padding": "SAME"}),
    ("conv2d", {"size": (6, 5), "kernel": (2, 2), "stride": (3, 2)}),
    ("max-pool", {}),
    ("max-pool", {"size": (3, 3), "stride": (1, 1)}),
    ("max-pool", {"size": (3, 3), "padding": "SAME"}),
    ("max-pool", {"values": np.array([[1.0, 1], [1, 1]])}),
    ("avg-pool", {}),
    ("avg-pool", {"size": (3, 3), "kernel": (2, 2), "padding": "SAME"}),
    ("avg-pool", {"size": (4, 4), "kernel": (3, 3), "stride": (1, 1)}),
    ("dense", {}),
    ("dense", {"size": (1, 4), "batch": 3}),
    ("softmax-xent", {}),
    ("softmax-xent", {"size": (1, 2)}),
    ("batch-norm", {}),
    ("batch-norm", {"batch": 2}),
    ("dropout", {}),
    ("dropout", {"size": (1, 2)}),
    ("conv2d", {"channels": (2, 2)}),
    ("conv2d", {"channels": (3, 2), "size": (2, 2), "kernel": (1, 1)}),
    ("conv2d", {"channels": (2, 1), "stride": (2, 2), "padding": "SAME"}),
    ("lrn", {}),
    ("lrn", {"size": (1, 4)}),
    ("rbf", {}),
    ("rbf", {"size": (3, 2)}),
    ("residual", {}),
    ("residual", {"size": (1, 3)}),
    ("sigmoid", {}),
    ("sigmoid", {"size": (2, 2)}),
    ("sigmoid-xent", {}),
    ("sigmoid-xent", {"size": (1, 2)}),
]


@pytest.mark.parametrize(("layer", "options"), CASES)
def test_all_claims_hold(layer: str, options: dict[str, Any]) -> None:
    document = derive(layer, DeriveOptions(**options), check=True)
    claims = [c for b in document.blocks if isinstance(b, Claims) for c in b.lines]
    assert len(claims) >= 4
    assert any("numeric" in c.text for c in claims)
    assert not failures(document)


@pytest.mark.parametrize("layer", LAYERS)
def test_the_steps_of_each_layer(layer: str) -> None:
    options = DeriveOptions(**{"batch-norm": {"batch": 2}, "dropout": {"size": (1, 2)}}.get(layer, {}))
    document = derive(layer, options, check=True, steps=True)
    texts = [b.text for b in document.blocks if isinstance(b, Prose)]
    assert any(" takes part in " in text for text in texts)
    assert any(c.text.startswith("the steps together give") for c in document.blocks[-1].lines)
    assert not failures(document)
    assert write(document, "latex").isascii()


def test_the_steps_as_text() -> None:
    """EQ-convbackprop: ∂L/∂w22 = ΣΣ δ_ij·∂s_ij/∂w22, each ∂s_ij/∂w22 = a_ij, and their sum."""
    text = run("conv2d", "--steps").output
    assert (
        """w22 takes part in s11, s12, s21, s22:

  ∂L/∂w22   = δ11·∂s11/∂w22 + δ12·∂s12/∂w22 + δ21·∂s21/∂w22 + δ22·∂s22/∂w22
  ∂s11/∂w22 = a11
  ∂s12/∂w22 = a12
  ∂s21/∂w22 = a21
  ∂s22/∂w22 = a22
  ∂L/∂w22   = a11·δ11 + a12·δ12 + a21·δ21 + a22·δ22
"""
        in text
    )
    text = run("batch-norm", "--batch", "2", "--steps").output
    assert "  ∂L/∂x1  = δ1·∂y1/∂x1 + ∂L/∂v·∂v/∂x1 + ∂L/∂μ·∂μ/∂x1" in text
    assert "and with them the first term" in text.replace("\n", " ")
    assert r"\frac{\partial s_{11}}{\partial w_{22}} &= a_{11}" in run("conv2d", "--steps", "--format", "latex").output


def test_a_wrong_step_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    right = steps._local

    def wrong(*arguments: Any) -> Any:
        local = right(*arguments)
        return local._replace(partials={**local.partials, "w": -local.partials["w"]})

    monkeypatch.setattr(steps, "_local", wrong)
    assert failures(derive("conv2d", DeriveOptions(), check=True, steps=True)) == [
        "each ∂ in the steps is the derivative of the forward run's expression",
        "the steps together give ∂L/∂w",
    ]


def test_many_maps_as_text() -> None:
    text = run("conv2d", "--channels", "2x1", "--size", "2x2", "--kernel", "1x1").output
    assert "  s11 = a111·w1 + a211·w2" in text.splitlines()
    assert "A 1×1 kernel only mixes the maps" in " ".join(text.split())


def test_the_convolution_as_text() -> None:
    text = run("conv2d").output
    for line in (
        "  s11 = a11·w22 + a12·w21 + a21·w12 + a22·w11",
        "  s22 = a22·w22 + a23·w21 + a32·w12 + a33·w11",
        "  ∂L/∂w11 = a22·δ11 + a23·δ12 + a32·δ21 + a33·δ22",
        "  ∂L/∂a22 = δ11·w11 + δ12·w12 + δ21·w21 + δ22·w22",
        "  flip(∂L/∂W) = [ a21   a22   a23 ] ⋆ [ δ21   δ22 ]",
    ):
        assert line in text.splitlines()


def test_a_stride_spreads_delta_in_the_matrix_form() -> None:
    lines = run("conv2d", "--size", "3x4", "--kernel", "3x2", "--stride", "2", "--padding", "SAME").output.splitlines()
    assert "  flip(∂L/∂W) = [ a21   a22   a23   a24 ] ⋆ [ 0     0   0   ]" in lines


def test_max_pool_with_numbers_given() -> None:
    result = run("max-pool", "--values", "1 2/2 2", "--check")
    assert result.exit_code == 0
    assert "  ∂L/∂A = [ 0   δ ]" in result.output.splitlines()


@pytest.mark.parametrize("layer", LAYERS)
def test_formats(layer: str) -> None:
    document = derive(layer, DeriveOptions(), check=True)
    latex = write(document, "latex")
    assert latex.isascii()
    assert latex.count("{") - latex.count(r"\{") == latex.count("}") - latex.count(r"\}")
    assert latex.count(r"\begin{") == latex.count(r"\end{")
    markdown = write(document, "markdown")
    assert markdown.count("$$") % 2 == 0
    assert markdown.startswith(f"# {document.title}\n")


def test_mathtext_reads_the_formulas() -> None:
    """An independent reader of TeX's formulas accepts each element of the matrices and equations."""
    mathtext = pytest.importorskip("matplotlib.mathtext")
    parser = mathtext.MathTextParser("path")
    for layer in ("conv2d", "batch-norm", "dropout"):
        for line in write(derive(layer, DeriveOptions()), "latex").splitlines():
            if "&=" in line:
                parser.parse(f"${line.replace('&', '').removesuffix(chr(92) * 2).strip()}$")


def test_a_file(tmp_path: Path) -> None:
    target = tmp_path / "conv.md"
    result = run("conv2d", "--format", "markdown", "-o", str(target))
    assert result.exit_code == 0
    assert result.output == f"wrote {target}\n"
    assert target.read_text("utf-8").startswith("# A 3×3 map and a 2×2 kernel\n")


def test_a_claim_that_fails_sets_the_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    right = convolution.closed_forms

    def wrong(*arguments: Any) -> Any:
        s, dw, da = right(*arguments)
        return s, dw[::-1], da

    monkeypatch.setattr(convolution, "closed_forms", wrong)
    result = run("conv2d", "--check")
    assert result.exit_code == 1
    assert "  FAIL  ∂L/∂W is the sum over the index formula [the expressions differ]" in result.output
    assert "does not hold: ∂L/∂W" in result.output


def test_a_wrong_gradient_is_found_by_numbers() -> None:
    posed, _ = convolution.problem(DeriveOptions())
    found = problem.solve(posed)
    changed = {**found.gradients, "a": found.gradients["a"].T}
    claims = problem.numeric_claims(posed, found._replace(gradients=changed))
    assert [c.holds for c in claims] == [False, True]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["convolution"], "unknown layer 'convolution'; there are avg-pool, batch-norm, conv2d"),
        (["batch-norm", "--size", "2x2"], "batch-norm takes no --size; it takes --batch"),
        (["conv2d", "--size", "3by3"], "expected ROWSxCOLUMNS such as 3x3, got 3by3"),
        (["conv2d", "--size", "0x3"], "expected ROWSxCOLUMNS"),
        (["conv2d", "--size", "2x2", "--kernel", "3x3"], "Negative dimension size"),
        (["conv2d", "--size", "40x40"], "the limit is 1,024"),
        (["dropout", "--size", "1x6"], "at most 5 units, not 6"),
        (["max-pool", "--values", "1 2/3"], "expected rows of equal length"),
        (["max-pool", "--values", "1 x"], "expected rows of equal length"),
    ],
)
def test_mistakes(arguments: list[str], message: str) -> None:
    result = run(*arguments)
    assert result.exit_code in (1, 2)
    assert message in result.output
    assert "Traceback" not in result.output


def test_without_sympy() -> None:
    program = "import sys; sys.modules['sympy'] = None; from minigraph.tools.cli import main; main(['derive', 'dense'])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == 'Error: the sympy backend needs SymPy: pip install "minigraph[sympy]"\n'


def test_expressions_as_text() -> None:
    a, b = symbols("a", (2,))
    expression = sympy.Piecewise((a**2, (a >= b) & (b > 0)), (2 * b, True))
    assert as_text(expression) == "{a1^2 if (a1 ≥ a2) and (a2 > 0); 2·a2 otherwise}"
    assert as_text(sympy.Symbol("delta12")) == "δ12"


def test_prose_in_latex_knows_its_signs() -> None:
    assert latex_prose("γ·x_1 & 5%") == r"\ensuremath{\gamma}\ensuremath{\cdot }x\_1 \& 5\%"
    with pytest.raises(KeyError):
        latex_prose("ж")
