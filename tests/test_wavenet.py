"""The acoustic model: shapes, padding, receptive field, stages."""

from __future__ import annotations

import pytest
import torch

from ftlib import adapt
from ftlib.models.wavenet import MaskedGroupNorm, WaveNet


@pytest.fixture
def model() -> WaveNet:
    torch.manual_seed(0)
    return WaveNet(channels=16, stacks=2).eval()


def test_shapes_and_lengths(model):
    x = torch.rand(3, 64, 41)
    assert model(x).shape == (3, 21, 29)
    assert model.out_lengths(torch.tensor([1, 2, 40, 41])).tolist() == [1, 1, 20, 21]


@torch.no_grad()
def test_padding_changes_nothing(model):
    lengths = torch.tensor([50, 30, 13])
    x = torch.rand(3, 64, 50)
    for row, n in zip(x, lengths, strict=True):
        row[:, n:] = 0
    together = model(x, lengths)
    model.pooled = True
    pooled = model(x, lengths)
    for i, n in enumerate(lengths):
        model.pooled = False
        alone = model(x[i : i + 1, :, :n])
        assert torch.allclose(together[i, : alone.shape[1]], alone[0], atol=1e-5)
        model.pooled = True
        assert torch.allclose(pooled[i], model(x[i : i + 1, :, :n])[0], atol=1e-5)


def test_mask_is_spared_where_nothing_is_padded():
    assert WaveNet.mask(torch.tensor([8, 8]), 8) is None
    assert WaveNet.mask(torch.tensor([8, 3]), 8)[:, 0].tolist() == [[1, 1, 1, 1], [1, 1, 0, 0]]


def test_masked_normalisation_equals_torch_without_padding():
    norm = MaskedGroupNorm(2, 8)
    torch.nn.init.normal_(norm.weight)
    x = torch.randn(2, 8, 10)
    assert torch.allclose(norm(x), norm(x, torch.ones(2, 1, 10)), atol=1e-5)


def test_receptive_field_is_what_reaches_a_frame(model):
    for part in model.modules():  # normalisation looks at all frames; take it out to see the convolutions alone
        if isinstance(part, MaskedGroupNorm):
            part.forward = lambda x, mask=None: x
    x = torch.rand(1, 64, 400, requires_grad=True)
    model(x)[0, 100].sum().backward()
    reached = x.grad[0].abs().sum(0).nonzero().flatten()
    assert int(reached.max() - reached.min()) + 1 == model.receptive_field() == 125


def test_stages_and_head(model):
    assert list(adapt.stages(model)) == ["stem", "blocks1", "blocks2", "mixer", "head"]
    adapt.replace_head(model, 10, seed=0)
    model.pooled = True
    assert model(torch.rand(2, 64, 20)).shape == (2, 10)
    with adapt.features(model) as backbone:
        assert backbone(x=torch.rand(2, 64, 20), lengths=torch.tensor([20, 9])).shape == (2, 16)
