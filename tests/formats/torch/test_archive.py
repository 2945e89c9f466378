"""PyTorch's weight files, written by torch, in both of its forms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.real_weights import weight_file
from support.weights import same_weights

from minigraph.core.errors import DataLossError
from minigraph.weights import load_weights


@pytest.mark.parametrize("legacy", [False, True])
def test_torch(legacy: bool, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    base = torch.arange(24.0).reshape(2, 3, 4)
    state = {
        "whole": base,
        "transposed": base.permute(2, 0, 1),
        "part": base[:, 1, ::2],
        "expanded": torch.ones(1, 3).expand(5, 3),
        "channels_last": torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
        "scalar": torch.tensor(7),
        "empty": torch.zeros(0, 3),
        "brain": torch.tensor([1.5, -2.5], dtype=torch.bfloat16),
        "parameter": torch.nn.Parameter(torch.randn(3)),
        **{d: torch.tensor([0, 1, 2]).to(getattr(torch, d)) for d in ("float16", "int8", "uint8", "int32", "bool")},
    }
    torch.save(state, tmp_path / "w.pth", _use_new_zipfile_serialization=not legacy)
    wanted = {n: t.detach().to(torch.float32 if n == "brain" else t.dtype).numpy() for n, t in state.items()}
    same_weights(load_weights(tmp_path / "w.pth"), {n: np.array(a, order="C") for n, a in wanted.items()})


@pytest.mark.parametrize("legacy", [False, True])
def test_a_torch_training_checkpoint(legacy: bool, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    network = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))
    network(torch.ones(1, 1, 4, 4)).sum().backward()
    optimizer = torch.optim.Adam(network.parameters())
    optimizer.step()
    saved = {"epoch": 3, "state_dict": network.state_dict(), "optimizer": optimizer.state_dict()}
    torch.save(saved, tmp_path / "w.pt", _use_new_zipfile_serialization=not legacy)
    same_weights(load_weights(tmp_path / "w.pt"), {n: t.numpy() for n, t in network.state_dict().items()})


@pytest.mark.parametrize("legacy", [False, True])
def test_a_pickled_network_is_refused(legacy: bool, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    torch.save(torch.nn.Linear(2, 2), tmp_path / "w.pth", _use_new_zipfile_serialization=not legacy)
    with pytest.raises(DataLossError, match=r"asks for torch\.nn\.modules\.linear\.Linear.*state_dict\(\)"):
        load_weights(tmp_path / "w.pth")


def test_real_torch_weights() -> None:
    torch = pytest.importorskip("torch")
    path = weight_file("efficientnet-lite0-57934424.pth")
    state = torch.load(path, weights_only=True)
    assert sum(not t.is_contiguous() for t in state.values()) == 50
    same_weights(load_weights(path), {n: np.array(t.numpy(), order="C") for n, t in state.items()})
