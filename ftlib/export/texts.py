"""A text model in the format of transformers: encoder, classifier and tokenizer in one folder."""

from __future__ import annotations

import inspect
import shutil
from pathlib import Path
from typing import Any

from torch import nn

from ftlib import catalog
from ftlib.export import TOKENIZER, check_outputs, predict_text, saved
from ftlib.tasks.base import Task
from ftlib.tasks.tokens import MAX_TOKENS

POOL = {
    "mean": "(out.last_hidden_state * mask).sum(1) / mask.sum(1)",
    "cls": "out.last_hidden_state[:, 0]",
    "pooler": "out.pooler_output",
}
README = """# {name}

A text classifier, fine-tuned from {base} (Apache-2.0), for the classes {classes}.

`pip install torch transformers safetensors`, then `python predict.py TEXT`, or from Python:

    from predict import TextClassifier
    print(TextClassifier().predict("some text"))

`AutoModel` alone loads the encoder, without the classifier: the classifier reads {pooling}, which no class of
transformers does. These lines are all that it takes:

    import torch
    from safetensors.torch import load_file
    from transformers import AutoModel, AutoTokenizer

    tokenizer, encoder = AutoTokenizer.from_pretrained("."), AutoModel.from_pretrained(".").eval()
    weights = load_file("model.safetensors")
    batch = tokenizer(["some text"], padding=True, truncation=True, max_length={max_tokens},
                      return_token_type_ids=False, return_tensors="pt")
    with torch.no_grad():
        out, mask = encoder(**batch), batch["attention_mask"].unsqueeze(-1)
        vectors = {pool}
        logits = vectors @ weights["classifier.weight"].T + weights["classifier.bias"]
    print(logits.softmax(1), encoder.config.id2label)

Say here what it was trained on, how it scored on which test, and what it must not be used for.
"""
READS = {
    "mean": "the mean of the tokens' last states",
    "cls": "the first token's last state",
    "pooler": "BERT's pooler",
}


def config(model: nn.Module, task: Task) -> dict[str, Any]:
    """The ``config.json`` of a saved model: its encoder's own, with the classes and how its states are pooled.

    Raises:
        ValueError: the model is none of the course's text models with one output a class.
    """
    own = getattr(model, "config", None)
    pooling = getattr(own, "pooling", None)
    if pooling not in POOL:
        raise ValueError("only the course's text models can be saved here: this one has none of their poolings")
    check_outputs(model.classifier.out_features, task.n_outputs)
    encoder = type(own).__mro__[1]  # the class that transformers knows
    classes = list(map(str, task.classes))
    base = next(source.repo for source in catalog.entry(task.backbone).sources if source.repo)
    return own.to_dict() | {
        "model_type": encoder.model_type, "architectures": [type(model.base_model).__name__], "pooling": pooling,
        "id2label": dict(enumerate(classes)), "label2id": {label: i for i, label in enumerate(classes)},
        "max_tokens": MAX_TOKENS, "task": task.name, "_name_or_path": base, "dtype": "float32",
    }  # fmt: skip


def write(part: Path, model: nn.Module, settings: dict[str, Any]) -> None:
    """Fill the new folder ``part``."""
    part.mkdir()
    for name in TOKENIZER:
        shutil.copy(catalog.path("minilm", name, verbose=False), part / name)
    pooling = settings["pooling"]
    values = {"pooling": READS[pooling], "pool": POOL[pooling], "classes": ", ".join(settings["label2id"])}
    values |= {"name": settings["task"], "base": settings["_name_or_path"], "max_tokens": settings["max_tokens"]}
    saved.write(part, {name: tensor.float() for name, tensor in model.state_dict().items()}, settings, {
        "predict.py": inspect.getsource(predict_text).replace("from ftlib.export import saved", "import saved"),
        "README.md": README.format(**values),
    })  # fmt: skip
