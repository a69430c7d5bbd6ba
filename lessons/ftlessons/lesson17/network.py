"""A transformer that reads a household's baskets in the order of time and says what it will want next, in words."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from ftlib import catalog

CHECKPOINT = "basket-reader"
WORDS, WIDTH, HEADS = 384, 64, 4  # numbers of a text vector, numbers inside the network, heads of attention
DROPOUT = 0.2
SCALE = 8.0  # the length of an item's vector
FADE = 0.9  # how much of a purchase a second later basket remembers in the fading count


class Block(nn.Module):
    """One layer of a transformer that looks back only, earlier baskets the less the longer ago (ALiBi).

    Press et al. 2022, https://arxiv.org/abs/2108.12409: no position has to be learnt, and any length will do.
    """

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.look, self.join = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.think = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH))
        self.drop = nn.Dropout(DROPOUT)

    def forward(self, x: Tensor) -> Tensor:
        """(N, baskets, width) to the same shape."""
        n, baskets, _ = x.shape
        q, k, v = self.look(self.norm1(x)).view(n, baskets, 3, HEADS, -1).permute(2, 0, 3, 1, 4)
        ago = torch.arange(baskets, device=x.device)
        ago = ago[:, None] - ago
        slopes = 0.25 ** torch.arange(1, HEADS + 1, device=x.device)
        bias = (-slopes[:, None, None] * ago).masked_fill(ago < 0, float("-inf"))
        seen = nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=bias.to(x.dtype))
        x = x + self.drop(self.join(seen.transpose(1, 2).reshape(n, baskets, WIDTH)))
        return x + self.drop(self.think(self.norm2(x)))


class BasketReader(nn.Module):
    """Baskets as text vectors to, after each of them, the vector of what is wanted next.

    Args:
        counts: how many weights it gives besides: one for each way to count what a household bought before.
    """

    def __init__(self, counts: int = 0) -> None:
        super().__init__()
        self.stem = nn.Linear(WORDS, WIDTH)
        self.layer1, self.layer2 = Block(), Block()
        self.head = nn.Linear(WIDTH, WORDS + counts)
        self.drop = nn.Dropout(DROPOUT)

    def forward(self, baskets: Tensor) -> Tensor:
        """(N, baskets, 384) to (N, baskets, 384 + counts)."""
        return self.head(self.layer2(self.layer1(self.drop(self.stem(baskets)))))


def score(wanted: Tensor, times: Sequence[Tensor], items: Tensor) -> Tensor:
    """How much a household will want each item, (..., items).

    An item's score is how well its text fits what is wanted. A reader that counts adds what it makes of each count.

    Args:
        wanted: (..., 384 + counts), what the network says: a text vector, then a weight for each count.
        times: the counts, each (..., items), see ``counts``; empty for a reader of texts alone.
        items: (items, 384), the items' text vectors.
    """
    fits = wanted[..., :WORDS] @ items.T
    for weight, count in zip(wanted[..., WORDS:].unbind(-1), times, strict=True):
        fits = fits + weight.unsqueeze(-1) * count
    return fits


def counts(table: Tensor) -> tuple[Tensor, Tensor]:
    """Of each item, up to and with each basket: log(1 + how often), and a count that fades by ``FADE`` a basket."""
    return table.float().cumsum(-2).log1p(), faded(table, FADE)


def faded(table: Tensor, fade: float) -> Tensor:
    """The sum of all baskets so far, each times ``fade`` to the number of baskets since; (..., baskets, items)."""
    ago = torch.arange(table.shape[-2], device=table.device)
    ago = ago[:, None] - ago
    return (fade ** ago.clamp(min=0) * (ago >= 0)) @ table.float()


def basket_vectors(table: Tensor, items: Tensor) -> Tensor:
    """The mean text vector of the items in each basket, (..., baskets, 384); zeros for an empty one."""
    table = table.float()
    return table @ items / table.sum(-1, keepdim=True).clamp(min=1)


def centred(vectors: Tensor, centre: Tensor) -> Tensor:
    """Text vectors as the network reads them: what all groceries share is taken away, all have one length.

    Args:
        vectors: (N, 384) as MiniLM gives them.
        centre: (384,), the mean of the groceries'.
    """
    return SCALE * nn.functional.normalize(vectors - centre, dim=-1)


def parts() -> dict[str, Tensor]:
    """The checkpoint's tensors: ``centre``, the items of each shop, and the weights of both readers."""
    return {name: x.float() for name, x in load_file(catalog.path(CHECKPOINT, "model.safetensors", False)).items()}


def load(counting: bool = False) -> BasketReader:
    """The reader that watched the grocer's for ten months, without or with counts."""
    prefix = "counting." if counting else "plain."
    model = BasketReader(2 if counting else 0)
    model.load_state_dict({key.removeprefix(prefix): x for key, x in parts().items() if key.startswith(prefix)})
    return model.eval()
