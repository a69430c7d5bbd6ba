"""MiniLM with a span head, and the course's reader: the difference that training made, kept at a low rank."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import BertConfig, BertForQuestionAnswering

from ftlib import catalog, runtime
from ftlib.models.sentences import quiet

CHECKPOINT = "house-reader"
FROZEN = "embeddings.word_embeddings"


class SpanReader(BertForQuestionAnswering):
    """``BertForQuestionAnswering`` with both scores of a token in one tensor; its weights load there as well."""

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None, token_type_ids: Tensor | None = None,
                **options: Any) -> Tensor:  # fmt: skip
        """Scores (N, tokens, 2) to be the first and the last token of the answer."""
        states = self.bert(input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids).last_hidden_state
        return self.qa_outputs(states)


def raw_reader(seed: int = 0, pretrained: bool = True, backbone: str = "minilm") -> SpanReader:
    """MiniLM, or another BERT, with a new span head, in float32; ``pretrained=False`` draws all weights."""
    runtime.spare_memory()
    torch.manual_seed(seed)
    folder = catalog.path(backbone, verbose=False)
    with quiet():
        if not pretrained:
            return SpanReader(BertConfig.from_pretrained(folder)).eval()
        return SpanReader.from_pretrained(folder, dtype=torch.float32).eval()


def difference(model: nn.Module, rank: int) -> dict[str, Tensor]:
    """What training changed, in half precision: each matrix as two thin ones, ``.a`` (out, rank) and ``.b`` (rank, in).

    The best approximation of a matrix at a rank is its truncated singular value decomposition (Eckart & Young 1936).
    The head and all vectors are kept whole, and added to those of ``raw_reader(seed=0)``.
    """
    base, kept = raw_reader().state_dict(), {}
    for name, weight in model.state_dict().items():
        change = weight.float() - base[name]
        if FROZEN in name or not weight.dtype.is_floating_point:
            assert not change.any(), f"{name} was meant to stay"
        elif weight.ndim < 2 or min(weight.shape) <= rank:
            kept[name] = change.half()
        else:
            u, s, v = torch.linalg.svd(change, full_matrices=False)
            kept[f"{name}.a"] = (u[:, :rank] * s[:rank].sqrt()).half().contiguous()
            kept[f"{name}.b"] = (s[:rank].sqrt()[:, None] * v[:rank]).half().contiguous()
    return kept


def load(folder: Path | None = None) -> SpanReader:
    """The course's reader, from its checkpoint."""
    return with_difference(load_file((folder or catalog.path(CHECKPOINT, verbose=False)) / "model.safetensors"))


def with_difference(kept: dict[str, Tensor]) -> SpanReader:
    """The reader: MiniLM plus what training changed."""
    model = raw_reader()
    state = model.state_dict()
    for name in {name.removesuffix(".a").removesuffix(".b") for name in kept}:
        change = kept[name].float() if name in kept else kept[f"{name}.a"].float() @ kept[f"{name}.b"].float()
        state[name] += change
    return model
