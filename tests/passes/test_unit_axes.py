"""The rules of `unit_axes`: vectors with leading axes of length 1, in the loops that `fuse_pointwise` makes."""

from __future__ import annotations

import pytest
from support.pass_text import check, check_unchanged

from minigraph.passes.fuse_pointwise import fuse_pointwise

VECTOR, ROW = "float32[4]", "float32[1,1,4]"
ONE_LOOP = """
    feed %v float32[4]
    feed %w float32[1,1,4]
    %q = Reshape(%w) {shape=(4,)}
    %y = Loop(%v, %q) {space=(4,)} {
        feed %a float32[4]
        feed %b float32[4]
        %m = Mul(%a, %b)
        %n = Add(%m, %b)
        return %n
    }
"""


@pytest.mark.parametrize(
    "text",
    [
        "%r = Reshape(%v) {shape=(1, 1, 4)}\n%m = Mul(%r, %w)\n%n = Add(%m, %w)\n%y = Reshape(%n) {shape=(4,)}",
        "%r = Reshape(%v) {shape=(1, 1, 4)}\n%m = Mul(%r, %w)\n%o = Reshape(%m) {shape=(4,)}\n"
        "%q = Reshape(%w) {shape=(4,)}\n%y = Add(%o, %q)",
    ],
    ids=["all in rows", "in both shapes"],
)
def test_operations_on_rows_and_on_vectors_are_one_loop(text: str) -> None:
    check(fuse_pointwise, f"feed %v {VECTOR}\nfeed %w {ROW}\n{text}\nreturn %y", ONE_LOOP + "return %y")


def test_a_larger_operation_reads_the_vector() -> None:
    text = "feed %v float32[4]\nfeed %x float32[2,3,4]\n"
    check(
        fuse_pointwise,
        text + "%r = Reshape(%v) {shape=(1, 1, 4)}\n%y = Mul(%x, %r)\nreturn %y",
        text + "%y = Mul(%x, %v)\nreturn %y",
    )


@pytest.mark.parametrize(
    "text",
    [
        "feed %x float32[1,1,4]\n%y = Exp(%x)\n%z = Reshape(%y) {shape=(1, 4)}\nreturn %z",
        "feed %x float32[1,2,2]\n%y = Exp(%x)\n%z = Reshape(%y) {shape=(4,)}\nreturn %z",
        "feed %x float32[4]\nfeed %w float32[2,1,1]\n%r = Reshape(%x) {shape=(1, 1, 4)}\n%y = Mul(%r, %w)\nreturn %y",
    ],
    ids=["no vector", "more than one long axis", "an outer product"],
)
def test_other_reshapes_stay(text: str) -> None:
    check_unchanged(fuse_pointwise, text)
