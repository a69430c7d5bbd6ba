"""DistilBERT with the same classifier on one vector a text as ``models.sentences`` puts on BERT."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    DistilBertConfig,
    DistilBertModel,
    DistilBertPreTrainedModel,
)
from transformers.modeling_outputs import SequenceClassifierOutput

from ftlib.models.sentences import classified, pooled

POOLINGS = ("mean", "cls")


class PooledDistilBertConfig(DistilBertConfig):
    """DistilBERT's configuration and the pooling: ``"mean"`` or ``"cls"``."""

    model_type = "pooled-distilbert"

    def __init__(self, pooling: str = "mean", **kwargs: Any) -> None:
        if pooling not in POOLINGS:
            raise ValueError(f"DistilBERT has no pooling {pooling!r}: choose from {', '.join(POOLINGS)}")
        self.pooling = pooling
        super().__init__(**kwargs)


class PooledDistilBertForSequenceClassification(DistilBertPreTrainedModel):
    """DistilBERT, one vector a text, and a linear classifier on it.

    transformers' own class puts an untrained dense layer before the classifier. This one does not, so that a
    frozen DistilBERT gives what it has learnt and nothing random.
    """

    config_class = PooledDistilBertConfig

    def __init__(self, config: PooledDistilBertConfig) -> None:
        super().__init__(config)
        self.num_labels = config.num_labels
        self.distilbert = DistilBertModel(config)
        self.dropout = nn.Dropout(config.seq_classif_dropout)
        self.classifier = nn.Linear(config.dim, config.num_labels)
        self.post_init()

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        labels: Tensor | None = None,
        **kwargs: Any,
    ) -> SequenceClassifierOutput:
        """Logits (N, classes) of token numbers (N, tokens); with ``labels`` (N,) also the cross-entropy."""
        out = self.distilbert(input_ids, attention_mask=attention_mask, inputs_embeds=inputs_embeds, **kwargs)
        return classified(self, out, attention_mask, labels)

    def pool(self, out: Any, attention_mask: Tensor | None = None) -> Tensor:
        """One vector (N, width) a text from the encoder's output."""
        return pooled(out, attention_mask, self.config.pooling)


AutoConfig.register(PooledDistilBertConfig.model_type, PooledDistilBertConfig, exist_ok=True)
AutoModelForSequenceClassification.register(
    PooledDistilBertConfig, PooledDistilBertForSequenceClassification, exist_ok=True
)
