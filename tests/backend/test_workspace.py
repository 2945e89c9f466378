"""Workspace layouts and buffer references."""

from minigraph.backend.workspace import BufferRef, WorkspaceLayout, ins, outs, relocated, work


def test_parts_of_a_workspace_are_aligned() -> None:
    layout = WorkspaceLayout()
    assert [layout.reserve(n) for n in (1, 64, 0, 65)] == [work(0), work(64), work(128), work(128)]
    assert layout.nbytes == 256


def test_pointers_of_a_part_are_relocated() -> None:
    args = (*ins(1), *outs(0), work(64), BufferRef("in", 0, 8))
    moved = relocated(args, [work(32), *ins(5)], outs(2), work(1024))
    assert moved == (*ins(5), *outs(2), work(1088), work(40))
