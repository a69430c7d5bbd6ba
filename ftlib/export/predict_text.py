"""Load a saved model and say which class a text is in: ``python predict.py TEXT [TEXT ...]``.

A copy of this file lies beside every saved text model. It needs torch, transformers and safetensors, and nothing
else of the course.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, AutoTokenizer

from ftlib.export import saved

POOLINGS = ("mean", "cls", "pooler")


class Network(nn.Module):
    """An encoder, its token states pooled to one vector a text, and a linear classifier."""

    def __init__(self, encoder: nn.Module, head: nn.Linear, pooling: str) -> None:
        super().__init__()
        self.encoder, self.head, self.pooling = encoder, head, pooling

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Logits (N, classes) of token numbers (N, tokens) and a mask that is 0 on padding."""
        out, mask = self.encoder(input_ids, attention_mask=attention_mask), attention_mask.unsqueeze(-1)
        if self.pooling == "pooler":
            return self.head(out.pooler_output)
        if self.pooling == "cls":
            return self.head(out.last_hidden_state[:, 0])
        return self.head((out.last_hidden_state * mask).sum(1) / mask.sum(1))


class TextClassifier:
    """A saved model with its classes; reads texts as they were read in training."""

    def __init__(self, folder: str | Path | None = None):
        """Load from ``folder``, by default the one that holds this file.

        Raises:
            ValueError: the folder holds no saved text model, or a damaged one.
        """
        folder = saved.folder_of(folder, __file__)
        try:
            found = saved.read_config(folder, ("max_tokens", "pooling", "id2label", "max_position_embeddings"))
            self.classes: list[str] = saved.check_classes(_in_order(found["id2label"]), folder)
            saved.check_number(found, "max_tokens", folder, 3, found["max_position_embeddings"])
            self.max_tokens, pooling = int(found["max_tokens"]), found["pooling"]
            if pooling not in POOLINGS:
                raise ValueError(f"config.json names the pooling {pooling!r}: known are {', '.join(POOLINGS)}")
            self.config = AutoConfig.from_pretrained(folder)
            self.tokenizer = AutoTokenizer.from_pretrained(folder)
            self.model = _filled(AutoModel.from_config(self.config), saved.load_weights(folder), pooling)
            if self.model.head.out_features != len(self.classes):
                raise ValueError("config.json names another number of classes than the weights have")
        except Exception as problem:  # missing, cut short, or of another kind
            said = (str(problem).splitlines() or [type(problem).__name__])[0]
            raise ValueError(f"{folder} holds no text model that can be loaded: {said}") from problem

    def inputs(self, texts: Sequence[str]) -> dict[str, Tensor]:
        """Texts as the network reads them: ``input_ids`` and ``attention_mask``, each (N, tokens)."""
        batch = self.tokenizer(
            list(texts), padding=True, truncation=True, max_length=self.max_tokens, return_tensors="pt",
            return_token_type_ids=False,
        )  # fmt: skip
        return dict(batch)

    @torch.no_grad()
    def predict(self, text: str) -> dict[str, float]:
        """Each class with its probability, the likeliest first.

        Raises:
            ValueError: there is no text.
        """
        if not isinstance(text, str) or not text.strip():
            raise ValueError("the text is empty: write a sentence")
        chances = self.model(**self.inputs([text])).softmax(1)[0]
        order = chances.argsort(descending=True).tolist()
        return {self.classes[i]: chances[i].item() for i in order}


def _in_order(names: object) -> object:
    """Class names in the order of their numbers; anything else as it is."""
    numbered = isinstance(names, dict) and set(names) == {str(i) for i in range(len(names))}
    return [names[str(i)] for i in range(len(names))] if numbered else names


def _filled(encoder: nn.Module, state: dict[str, Tensor], pooling: str) -> Network:
    """The network in evaluation mode, with all of its weights from a file."""
    start = encoder.base_model_prefix + "."
    own = {name.removeprefix(start): tensor for name, tensor in state.items() if name.startswith(start)}
    missing, strange = encoder.load_state_dict(own, strict=False)
    needed = [name for name in missing if pooling == "pooler" or not name.startswith("pooler.")]
    if needed or strange:
        raise ValueError(f"model.safetensors does not fit config.json at {[*needed, *strange][0]}")
    head = nn.Linear(*reversed(state["classifier.weight"].shape))
    head.load_state_dict({name: state[f"classifier.{name}"] for name in ("weight", "bias")})
    return Network(encoder, head, pooling).eval()


def main(texts: Sequence[str]) -> int:
    """Print a line for each text; the exit code is 1 if one was empty."""
    return saved.answer(texts, TextClassifier, "TEXT")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
