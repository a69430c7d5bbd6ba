"""How much sound one frame out can see, and what a network spells if it may see no more than that."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from ftlib import plots
from ftlib.models.wavenet import DILATIONS, WaveNet
from ftlib.plots import palette
from ftlib.speech import audio, ctc

STEM = 2  # frames of the picture that the first layer sees to each side
BLOCKS = 3 * len(DILATIONS)


def dilations(blocks: int, dilated: bool = True) -> list[int]:
    """How far apart the three weights of each block stand: 1, 2, 4, 8, 1, 2, ..., or 1 in every block.

    >>> dilations(5), dilations(3, dilated=False)
    ([1, 2, 4, 8, 1], [1, 1, 1])
    """
    if not 1 <= blocks <= BLOCKS:
        raise ValueError(f"blocks is {blocks}: choose 1 to {BLOCKS}")
    return [DILATIONS[i % len(DILATIONS)] if dilated else 1 for i in range(blocks)]


def reach(steps: Sequence[int]) -> int:
    """Frames of the log-mel picture that one frame out sees to each side.

    >>> 2 * reach(dilations(12)) + 1 == WaveNet().receptive_field()
    True
    """
    return STEM + WaveNet.stride * sum(steps)


def milliseconds(frames: int) -> float:
    """How much sound a view of ``frames`` to each side spans."""
    return (2 * frames + 1) * audio.HOP * 1000 / audio.RATE


@torch.no_grad()
def spelled_within(model: WaveNet, wave: Tensor, frames: int, batch: int = 64) -> str:
    """What the network spells if each frame out is computed from ``frames`` to each side alone, and the rest is silent.

    The weights stay as they are, so this tells what the sound around a moment is worth to this network, and not how
    good a smaller one would be. Its normalisation, too, sees no more than that.

    Args:
        wave: (samples,) at 8 kHz.
        frames: an even number of frames of the log-mel picture, from ``reach``.
    """
    if frames < 2 or frames % 2:
        raise ValueError(f"frames is {frames}: give an even number, at least 2")
    picture = F.pad(audio.log_mel(wave), (frames, frames))
    views = picture.unfold(1, 2 * frames + 1, WaveNet.stride).transpose(0, 1)
    device, middle = next(model.parameters()).device, frames // WaveNet.stride
    model.eval()
    scores = torch.cat([model(part.to(device))[:, middle].float().cpu() for part in views.split(batch)])
    return ctc.greedy(scores[None], torch.tensor([len(scores)]))[0]


def tree(steps: Sequence[int], title: str) -> plots.Picture:
    """Stacked convolutions of width 3 as a tree: which frames below the last one at the top can see.

    Args:
        steps: the dilation of each block, from the first to the last.
    """
    if not steps or min(steps) < 1:
        raise ValueError(f"the dilations are {list(steps)}: give at least one, each 1 or more")
    fig, ax = plots.figure(title, "frames of 25 ms, 0 is the one that is computed", "block", size=(7.4, 2.6))
    seen = {0}
    for depth in range(len(steps), 0, -1):
        below = {at + shift * steps[depth - 1] for at in seen for shift in (-1, 0, 1)}
        for at in seen:
            for shift in (-1, 0, 1):
                ends = [at, at + shift * steps[depth - 1]], [depth, depth - 1]
                ax.plot(*ends, color=palette.FAINT, linewidth=0.6, zorder=1)
        ax.plot(sorted(seen), [depth] * len(seen), "o", color=plots.COLOURS[0], markersize=3)
        seen = below
    ax.plot(sorted(seen), [0] * len(seen), "s", color=plots.COLOURS[1], markersize=3)
    side = max(46, sum(steps) + 1)
    ax.set_xlim(-side, side)
    ax.set_yticks(range(0, len(steps) + 1, 1 if len(steps) < 7 else 2))
    ax.grid(False)
    alt = f"{title}. A tree of convolutions with dilations {', '.join(map(str, steps))}: the frame at the top sees "
    return plots.Picture(fig, f"{alt}{len(seen)} frames at the bottom, from {min(seen)} to {max(seen)}.")
