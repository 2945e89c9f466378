"""Products of dequantised numbers become products of the integers; what stops that, and the numbers."""

from __future__ import annotations

import numpy as np
import pytest
from support.pass_text import check, check_missed
from support.programs import after, kinds, program_of

import minigraph as tf
from minigraph import quantization
from minigraph.passes import PIPELINES
from minigraph.passes.integer_products import integer_products
from minigraph.rewrite.pipeline import run_pipeline

WINDOW = "strides=(1, 1), padding=((0, 0), (0, 0)), dilations=(1, 1), groups=1"
START = """
feed %x uint8[1,2,2,3]
const %s float32[](0.5)
const %z uint8[](3)
%dx = DequantizeLinear(%x, %s, %z)
"""
WEIGHTS = """
feed %w int8[1,1,3,2]
const %ws float32[2](0.25, 0.5)
const %wz int8[2](0, 0)
%dw = DequantizeLinear(%w, %ws, %wz)
"""
CONV = f"{START}{WEIGHTS}%y = Conv2D(%dx, %dw) {{{WINDOW}}}\n"
MATRIX = """
feed %x uint8[4,3]
const %s float32[](0.5)
const %z uint8[](3)
%dx = DequantizeLinear(%x, %s, %z)
"""


def test_a_convolution_of_dequantised_numbers() -> None:
    check(
        integer_products,
        CONV + "return %y",
        f"""
        feed %x uint8[1,2,2,3]
        feed %w int8[1,1,3,2]
        %i = IntegerConv2D(%x, %w) {{{WINDOW}, zero=3}}
        %f = Cast(%i) {{dtype=float32}}
        const %s float32[2](0.125, 0.25)
        %y = Mul(%f, %s)
        return %y
        """,
    )


def test_a_product_with_a_transposed_matrix_that_has_one_scale() -> None:
    check(
        integer_products,
        MATRIX
        + """
        feed %w int8[2,3]
        const %ws float32[](0.25)
        const %wz int8[](0)
        %dw = DequantizeLinear(%w, %ws, %wz)
        %y = MatMul(%dx, %dw) {transpose_a=False, transpose_b=True}
        return %y
        """,
        """
        feed %x uint8[4,3]
        feed %w int8[2,3]
        %i = IntegerMatMul(%x, %w) {transpose_b=True, zero=3}
        %f = Cast(%i) {dtype=float32}
        const %s float32[1](0.125)
        %y = Mul(%f, %s)
        return %y
        """,
    )


def test_a_bias_in_the_scales_of_the_sums_and_a_result_that_is_quantised_behind_relu() -> None:
    check(
        integer_products,
        CONV
        + """
        feed %b int32[2]
        const %bs float32[2](0.125, 0.25)
        const %bz int32[](0)
        %db = DequantizeLinear(%b, %bs, %bz)
        %t = BiasAdd(%y, %db)
        %r = Relu(%t)
        const %q float32[](0.5)
        const %zero uint8[](0)
        %out = QuantizeLinear(%r, %q, %zero)
        return %out
        """,
        f"""
        feed %x uint8[1,2,2,3]
        feed %w int8[1,1,3,2]
        const %s float32[2](0.25, 0.5)
        %i = IntegerConv2D(%x, %w) {{{WINDOW}, zero=3}}
        feed %b int32[2]
        %t = AddV2(%i, %b)
        %f = Cast(%t) {{dtype=float32}}
        %y = Mul(%f, %s)
        %out = Requantize(%y) {{dtype=uint8, zero=0}}
        return %out
        """,
    )


PAIR = """
feed %a uint8[1,4,4,2]
feed %b uint8[1,4,4,2]
const %s float32[](0.5)
const %t float32[](0.25)
const %z uint8[](3)
%da = DequantizeLinear(%a, %s, %z)
"""


def test_a_sum_takes_the_scale_of_its_result() -> None:
    check(
        integer_products,
        PAIR
        + """
        %db = DequantizeLinear(%b, %t, %z)
        %y = AddV2(%da, %db)
        const %q float32[](2.0)
        %out = QuantizeLinear(%y, %q, %z)
        return %out
        """,
        """
        feed %a uint8[1,4,4,2]
        feed %b uint8[1,4,4,2]
        const %s float32[](0.25)
        const %z uint8[](3)
        %da = DequantizeLinear(%a, %s, %z)
        const %t float32[](0.125)
        %db = DequantizeLinear(%b, %t, %z)
        %y = AddV2(%da, %db)
        %out = Requantize(%y) {dtype=uint8, zero=3}
        return %out
        """,
    )


POOL = "MaxPool({}) {{ksize=(2, 2), strides=(2, 2), padding=((0, 0), (0, 0))}}"


@pytest.mark.parametrize(
    ("real", "integer"),
    [
        (POOL.format("%da"), POOL.format("%a")),
        ("Reshape(%da) {shape=(2, 16)}", "Reshape(%a) {shape=(2, 16)}"),
        ("Transpose(%da) {perm=(0, 3, 1, 2)}", "Transpose(%a) {perm=(0, 3, 1, 2)}"),
    ],
)
def test_what_moves_or_chooses_numbers_works_on_the_integers(real: str, integer: str) -> None:
    check(
        integer_products,
        f"{PAIR}%y = {real}\n%q = QuantizeLinear(%y, %s, %z)\n%r = Relu(%y)\nreturn %q, %r, %b",
        f"""
        feed %a uint8[1,4,4,2]
        feed %b uint8[1,4,4,2]
        const %s float32[](0.5)
        const %z uint8[](3)
        %y = {integer}
        %d = DequantizeLinear(%y, %s, %z)
        %r = Relu(%d)
        return %y, %r, %b
        """,
    )


def test_numbers_of_one_scale_are_joined_as_integers() -> None:
    before = PAIR + "%db = DequantizeLinear(%b, {}, %z)\n%y = ConcatV2(%da, %db) {{axis=3}}\nreturn %y"
    check(
        integer_products,
        before.format("%s"),
        """
        feed %a uint8[1,4,4,2]
        feed %b uint8[1,4,4,2]
        const %s float32[](0.5)
        const %z uint8[](3)
        %i = ConcatV2(%a, %b) {axis=3}
        %y = DequantizeLinear(%i, %s, %z)
        return %y
        """,
    )
    check_missed(integer_products, before.format("%t"), "the operands have several scales or zero points")


SYMMETRIC = "the zero point of the weights is not 0"


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("const %wz int8[2](0, 0)", "const %wz int8[2](0, 1)", SYMMETRIC),
        ("const %wz int8[2](0, 0)", "feed %wz int8[2]", SYMMETRIC),
        ("const %s float32[](0.5)", "feed %s float32[]", "a scale or zero point is not one constant number"),
        ("const %s float32[](0.5)", "const %s float32[3](0.5, 0.25, 0.5)",
         "a scale or zero point is not one constant number"),
        ("const %ws float32[2](0.25, 0.5)", "const %ws float32[3,1](0.25, 0.5, 0.25)",
         "the scales of the weights are not one for each channel"),
        ("feed %w int8[1,1,3,2]\nconst %ws float32[2](0.25, 0.5)\nconst %wz int8[2](0, 0)",
         "feed %w uint8[1,1,3,2]\nconst %ws float32[2](0.25, 0.5)\nconst %wz uint8[2](0, 0)",
         "there are no products of uint8 with uint8"),
    ],
)  # fmt: skip
def test_a_product_that_stays(old: str, new: str, reason: str) -> None:
    assert old in CONV
    check_missed(integer_products, CONV.replace(old, new) + "return %y", reason)


def test_a_convolution_in_groups_stays() -> None:
    x = tf.placeholder(tf.uint8, [1, 4, 4, 4])
    image = quantization.dequantize_linear(x, np.float32(0.5), np.uint8(3))
    w = quantization.dequantize_linear(np.ones((3, 3, 4, 1), np.int8), np.float32(0.1), np.int8(0))
    outcome = after(program_of([tf.nn.depthwise_conv2d(image, w, [1, 1, 1, 1], "SAME")], [x]), integer_products)
    assert not {"IntegerConv2D", "IntegerMatMul"} & set(kinds(outcome.program))


@pytest.mark.parametrize(
    ("scales", "zero", "reason"),
    [
        ("(0.125, 0.125)", "(0)", "the bias has other scales than the sums"),
        ("(0.125, 0.25)", "(1)", "the bias is no int32 with the zero point 0"),
    ],
)
def test_a_bias_that_stays_real(scales: str, zero: str, reason: str) -> None:
    sums = f"""
    feed %i int32[4,2]
    %f = Cast(%i) {{dtype=float32}}
    const %s float32[2](0.125, 0.25)
    %y = Mul(%f, %s)
    feed %b int32[2]
    const %bs float32[2]{scales}
    const %bz int32[]{zero}
    %db = DequantizeLinear(%b, %bs, %bz)
    %t = BiasAdd(%y, %db)
    return %t
    """
    check_missed(integer_products, sums, reason)


def test_relu_stays_where_the_range_goes_below_0() -> None:
    text = """
    feed %x float32[3]
    const %s float32[](0.5)
    const %z uint8[](3)
    %r = Relu(%x)
    %q = QuantizeLinear(%r, %s, %z)
    return %q
    """
    check_missed(integer_products, text, "the zero point is not the least number")


def test_integers_that_are_read_again_are_not_kept_as_real_numbers() -> None:
    """Of a block whose input goes to a convolution and to the sum behind it, memory holds bytes only."""
    one, zero = np.float32(0.05), np.uint8(7)
    x = tf.placeholder(tf.uint8, [1, 6, 6, 8])
    w = quantization.dequantize_linear(
        np.ones((1, 1, 8, 8), np.int8), np.full(8, 0.1, np.float32), np.zeros(8, np.int8)
    )

    def layer(image: tf.Tensor) -> tf.Tensor:
        return tf.nn.conv2d(quantization.dequantize_linear(image, one, zero), w, [1, 1, 1, 1], "SAME")

    first = quantization.quantize_linear(layer(x), one, zero)
    second = layer(quantization.quantize_linear(layer(first), one, zero))
    total = second + quantization.dequantize_linear(first, one, zero)
    y = quantization.quantize_linear(total, one, zero)
    program, _ = run_pipeline(program_of([y], [x]), PIPELINES["O3"])
    large = [i for i in program.instrs if i.types and i.types[0].shape == (1, 6, 6, 8)]
    assert {t.dtype for i in large for t in i.types} == {tf.uint8}
