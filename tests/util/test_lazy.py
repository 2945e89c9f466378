"""An attribute is computed once for each object."""

from __future__ import annotations

from dataclasses import dataclass

from minigraph.util.lazy import lazy_property

calls: list[int] = []


@dataclass(frozen=True)
class Square:
    side: int

    @lazy_property
    def area(self) -> int:
        """The area."""
        calls.append(self.side)
        return self.side**2


def test_a_value_is_computed_once_for_each_object() -> None:
    small, large = Square(2), Square(3)
    assert [small.area, small.area, large.area, small.area] == [4, 4, 9, 4]
    assert calls == [2, 3]
    assert small == Square(2)
    assert Square.area.__doc__ == "The area."
