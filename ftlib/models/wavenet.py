"""A WaveNet for recognising speech: stacked dilated, gated convolutions over log-mel frames."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

DILATIONS = (1, 2, 4, 8)


class MaskedGroupNorm(nn.GroupNorm):
    """Group normalisation (Wu & He 2018, https://arxiv.org/abs/1803.08494) whose statistics skip padding.

    A sentence gets the same result alone and in a padded batch.
    """

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Normalise ``x`` (B, C, T); ``mask`` (B, 1, T) is one where there is sound and zero in the padding."""
        if mask is None:
            return super().forward(x)
        batch, channels, _ = x.shape
        groups = (x.float() * mask).reshape(batch, self.num_groups, -1)
        n = mask.sum((1, 2), keepdim=True) * (channels // self.num_groups)
        mean = groups.sum(-1, keepdim=True) / n
        var = (groups.square().sum(-1, keepdim=True) / n - mean.square()).clamp_min(0)
        normal = ((groups - mean) * torch.rsqrt(var + self.eps)).view_as(x)
        return normal * self.weight[:, None] + self.bias[:, None]


class GatedBlock(nn.Module):
    """One block of van den Oord et al. 2016, https://arxiv.org/abs/1609.03499, looking both ways in time.

    A dilated convolution feeds ``tanh(a) * sigmoid(b)``; one 1x1 convolution of that is added to the input
    (residual), another goes straight to the output (skip).
    """

    def __init__(self, channels: int, dilation: int, groups: int = 8, dropout: float = 0.0) -> None:
        super().__init__()
        self.dilated = nn.Conv1d(channels, 2 * channels, 3, padding=dilation, dilation=dilation)
        self.norm = MaskedGroupNorm(groups, 2 * channels)
        self.mix = nn.Conv1d(channels, 2 * channels, 1)
        self.dropout = dropout

    def forward(self, x: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Map (B, C, T) to the next block's input and this block's skip output, both (B, C, T)."""
        a, b = self.norm(self.dilated(x if mask is None else x * mask), mask).chunk(2, 1)
        gated = F.dropout(torch.tanh(a) * torch.sigmoid(b), self.dropout, self.training)
        residual, skip = self.mix(gated).chunk(2, 1)
        return x + residual, skip


class WaveNet(nn.Module):
    """Log-mel frames in, one score a character and frame out; trained with CTC.

    Stages for fine-tuning: ``stem`` (two frames become one), ``blocks1``, ``blocks2``, ... (dilations 1, 2, 4, 8
    each), ``mixer`` and the ``head``, a linear layer.

    With ``pooled`` set to True the head reads the mean over all frames and gives one score a class and recording: the
    form in which the network tells words apart.

    Args:
        outputs: characters, the CTC blank among them, or classes.
        mels: height of the input.
        channels: width of every block.
        stacks: how many times the dilations repeat.
    """

    stride = 2
    pooled = False

    def __init__(
        self, outputs: int = 29, mels: int = 64, channels: int = 160, stacks: int = 3, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.stem = nn.Conv1d(mels, channels, 5, stride=self.stride, padding=2)
        self.stack_names = [f"blocks{i + 1}" for i in range(stacks)]
        for name in self.stack_names:
            self.add_module(name, nn.ModuleList(GatedBlock(channels, d, dropout=dropout) for d in DILATIONS))
        self.mixer = nn.Conv1d(channels, channels, 1)
        self.head = nn.Linear(channels, outputs)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Score characters.

        Args:
            x: (B, mels, frames), zero in the padding.
            lengths: (B,) frames of each example before padding; None: no padding.

        Returns:
            (B, frames out, outputs), unnormalised; ``out_lengths`` says how many of them count. If ``pooled``,
            (B, outputs).
        """
        mask = None if lengths is None else self.mask(lengths, x.shape[-1])
        frames = self.encode(x, mask)
        if not self.pooled:
            return self.head(frames)
        if mask is None:
            return self.head(frames.mean(1))
        return self.head((frames * mask.transpose(1, 2)).sum(1) / mask.sum(2))

    def encode(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """What the head reads: (B, frames out, channels)."""
        x = self.stem(x)
        skips: Tensor | float = 0.0
        for name in self.stack_names:
            for block in getattr(self, name):
                x, skip = block(x, mask)
                skips = skips + skip
        return F.relu(self.mixer(F.relu(skips))).transpose(1, 2)

    @classmethod
    def out_lengths(cls, lengths: Tensor) -> Tensor:
        """Frames out for frames in: half, rounded up."""
        return (lengths + cls.stride - 1) // cls.stride

    @classmethod
    def mask(cls, lengths: Tensor, frames: int) -> Tensor | None:
        """(B, 1, frames out) of ones and zeros for ``lengths`` (B,) in, or None where nothing is padded."""
        if bool((lengths >= frames).all()):
            return None
        out = cls.out_lengths(lengths)
        steps = torch.arange(cls.out_lengths(torch.tensor(frames)).item(), device=lengths.device)
        return (steps < out[:, None]).float()[:, None]

    def receptive_field(self) -> int:
        """Frames in that one frame out can see."""
        blocks = sum(2 * d for d in DILATIONS) * len(self.stack_names)
        return blocks * self.stride + self.stem.kernel_size[0]
