"""Where a network's parts are: its stages from input to output, its head, its parameter counts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from torch import nn

if TYPE_CHECKING:
    import pandas as pd

HEAD = "head"
_PREVIOUS = ""  # "belongs to the stage before it"

# torchvision families whose stages can be read off parameter names: (path of a part, its stage)
_RULES: dict[str, list[tuple[str, str]]] = {
    "ResNet": [(r"conv1|bn1", "stem"), (r"(layer\d)", r"\1"), (r"fc", HEAD)],
    "Inception3": [(r"Conv2d_\w+", "stem"), (r"Mixed_(\d)\w", r"mixed\1"), (r"AuxLogits|fc", HEAD)],
    "GoogLeNet": [(r"conv\d", "stem"), (r"(inception\d)\w", r"\1"), (r"aux\d|fc", HEAD)],
    "VisionTransformer": [
        (r"class_token|conv_proj|encoder\.pos_embedding", "stem"),
        (r"encoder\.layers\.encoder_layer_(\d+)", r"layer\1"),
        (r"encoder\.ln", _PREVIOUS),
        (r"heads\.pre_logits", "hidden"),
        (r"heads\.head", HEAD),
    ],
}
_RULES_HEAD = {"VisionTransformer": "heads"}
_TRANSFORMERS_HEADS = ("classifier", "score", "classification_head", "qa_outputs", "lm_head")

_Layout = list[tuple[str, str]]  # (stage, path of a module or parameter), in order


def stages(model: nn.Module) -> dict[str, list[nn.Module]]:
    """Split a network into named stages, ordered from input to output, the last one ``"head"``.

    Every parameter belongs to exactly one stage. ``"head"`` is the last linear layer, the one that
    ``replace_head`` swaps, plus auxiliary heads (Inception, GoogLeNet); it is empty where there is no head
    or where its weights are tied to the embeddings. Pre-trained linear layers just before it stand in a
    stage of their own: ``"hidden"`` in VGG and MobileNet v3, ``"pooler"`` in BERT. In DistilBERT and RoBERTa
    ``"pooler"`` is as new as the head when the checkpoint was a masked language model: unfreeze both.

    A parameter that no module of a stage owns (a ViT's ``class_token``) comes in an ``nn.ParameterList``.
    A network of unknown make is split at its top-level children; the last one that owns parameters is the
    head. A single layer, such as a head trained by itself on cached features, is all head.

    Raises:
        ValueError: the network is of unknown make and owns a parameter outside its children.

    >>> from torchvision.models import resnet18
    >>> list(stages(resnet18()))
    ['stem', 'layer1', 'layer2', 'layer3', 'layer4', 'head']
    """
    model = unwrap(model)
    layout = _layout(model)
    found: dict[str, list[nn.Module]] = {stage: [] for stage, _ in layout if stage != HEAD} | {HEAD: []}
    parameters = dict(model.named_parameters(remove_duplicate=False))
    owned: set[int] = set()
    for stage, path in layout:
        part = nn.ParameterList([parameters[path]]) if path in parameters else model.get_submodule(path)
        rest = [p for p in part.parameters() if id(p) not in owned]
        if len(rest) == len(list(part.parameters())):
            found[stage].append(part)
        elif rest:  # tied weights stay with the first stage that holds them
            found[stage].append(nn.ParameterList(rest))
        owned.update(map(id, rest))
    left = [name for name, p in parameters.items() if id(p) not in owned]
    if left:
        raise ValueError(
            f"stages: no top-level child of {type(model).__name__} owns the parameter {left[0]!r}; "
            "put it into a child module, or freeze and group the parameters by hand."
        )
    return found


def count(model: nn.Module) -> tuple[int, int]:
    """Count a network's ``(trainable, total)`` parameters; tied weights count once.

    >>> count(nn.Linear(3, 2))
    (8, 8)
    """
    sizes = [(p.numel(), p.requires_grad) for p in model.parameters()]
    return sum(n for n, trainable in sizes if trainable), sum(n for n, _ in sizes)


def describe(model: nn.Module) -> pd.DataFrame:
    """Tabulate each stage's ``trainable`` and ``total`` parameters, one row a stage, input first."""
    import pandas as pd

    rows = {name: count(nn.ModuleList(parts)) for name, parts in stages(model).items()}
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["trainable", "total"])
    return table.rename_axis("stage")


def unwrap(model: nn.Module) -> nn.Module:
    """Return the network inside a peft model, any other model as it is."""
    return model.get_base_model() if is_a(model, "PeftModel") else model


def is_a(model: nn.Module, name: str, package: str = "") -> bool:
    """Whether ``model``'s class or one of its bases is called ``name``, without importing its library."""
    return any(c.__name__ == name and c.__module__.startswith(package) for c in type(model).__mro__)


def is_known(model: object) -> bool:
    """Whether the stages of ``model`` are read off a known make, and no adapters are on."""
    if not isinstance(model, nn.Module) or is_a(model, "PeftModel"):
        return False
    return _family(model) != "other" or is_a(model, "WaveNet", "ftlib.")


def head_path(model: nn.Module) -> str | None:
    """Path of the last linear layer in ``model`` (no peft wrapper), or None where there is none."""
    family = _family(model)
    if family in _RULES:
        top = _RULES_HEAD.get(family, "fc")
    elif family == "features":
        top = "classifier"
    elif family == "transformers":
        top = next((name for name in _TRANSFORMERS_HEADS if hasattr(model, name)), "")
    else:
        top = next((name for name, _ in reversed(_owning_children(model))), "")
    if not top or not isinstance(getattr(model, top, None), nn.Module):
        return None
    linears = [
        name
        for name, module in getattr(model, top).named_modules()
        if isinstance(module, nn.Linear) and "lora_" not in name
    ]
    return f"{top}.{linears[-1]}".rstrip(".") if linears else None


def auxiliary_head_paths(model: nn.Module) -> list[str]:
    """Paths of the last linear layers of the auxiliary heads of Inception v3 and GoogLeNet."""
    if _family(model) not in ("Inception3", "GoogLeNet"):
        return []
    candidates = ("AuxLogits.fc", "aux1.fc2", "aux2.fc2")
    return [path for path in candidates if getattr(model, path.split(".")[0], None) is not None]


def _family(model: nn.Module) -> str:
    for name in _RULES:
        if is_a(model, name, "torchvision.models."):
            return name
    if is_a(model, "PreTrainedModel", "transformers."):
        return "transformers"
    parts = dict(model.named_children())
    if isinstance(parts.get("features"), nn.Sequential) and "classifier" in parts:
        return "features"
    return "other"


def _layout(model: nn.Module) -> _Layout:
    family = _family(model)
    if family in _RULES:
        return _layout_by_rules(model, _RULES[family])
    # peft trains a copy of the head beside the original: the pair is the head
    head = (head_path(model) or "").split(".modules_to_save.")[0]
    if family == "features":
        return _layout_of_features(model, head)
    if family == "transformers":
        return _layout_of_transformer(model, head)
    names = [name for name, _ in _owning_children(model)]
    if not names and _has_parameters(model):
        return [(HEAD, "")]
    return [(name, name) for name in names[:-1]] + [(HEAD, name) for name in names[-1:]]


def _layout_by_rules(model: nn.Module, rules: list[tuple[str, str]]) -> _Layout:
    layout: dict[str, str] = {}  # path -> stage
    last = "stem"
    for name, _ in model.named_parameters():
        for pattern, template in rules:
            match = re.match(rf"(?:{pattern})(?=\.|$)", name)
            if match:
                last = match.expand(template) or last
                layout[match.group()] = last
                break
    return [(stage, path) for path, stage in layout.items()]


def _layout_of_features(model: nn.Module, head: str) -> _Layout:
    """VGG, ConvNeXt, EfficientNet, MobileNet: a new block starts where the resolution drops."""
    layout: _Layout = []
    block, dropped = 1, False
    for name, part in model.features.named_children():
        if name == "0" and type(part).__name__ == "Conv2dNormActivation":
            layout.append(("stem", "features.0"))
            continue
        if not _has_parameters(part):  # a pooling layer still belongs to the block that it closes
            dropped = dropped or _strides(part)
        else:
            started = layout and layout[-1][0] == f"block{block}"
            block += bool(started and (dropped or _strides(part)))
            dropped = False
        layout.append((f"block{block}", f"features.{name}"))
    if head == "classifier":
        return [*layout, (HEAD, head)]
    for name, part in model.classifier.named_children():
        path = f"classifier.{name}"
        if path == head:
            layout.append((HEAD, path))
        elif _has_parameters(part):
            layout.append((f"block{block}" if _is_norm(part) else "hidden", path))
    return layout


def _layout_of_transformer(model: nn.Module, head: str) -> _Layout:
    """Embeddings, one stage for each entry of the shallowest module lists, pooler, head."""
    layout: _Layout = []
    depth = 0

    def leads_to_head(path: str) -> bool:
        return head.startswith(path + ".")

    def place(path: str, part: nn.Module | None = None) -> None:
        if depth == 0 or isinstance(part, nn.Embedding):
            layout.append(("embeddings", path))
        elif part is None or _is_norm(part):
            layout.append((f"layer{depth - 1}", path))
        else:
            layout.append(("pooler", path))

    def walk(module: nn.Module, prefix: str) -> None:
        nonlocal depth
        for name, _ in module.named_parameters(recurse=False):
            place(prefix + name)
        # some classes register their head before the encoder
        for name, child in sorted(module.named_children(), key=lambda item: leads_to_head(prefix + item[0])):
            path = prefix + name
            if path == head or not _has_parameters(child):
                continue
            if _is_list(child):
                for key in dict(child.named_children()):
                    layout.append((f"layer{depth}", f"{path}.{key}"))
                    depth += 1
            elif leads_to_head(path) or any(map(_is_list, child.modules())):
                walk(child, path + ".")
            else:
                place(path, child)

    walk(model, "")
    last = max((i for i, (stage, _) in enumerate(layout) if stage.startswith("layer")), default=0)
    for i in range(last):  # what stands between two lists of layers (a projection) is no pooler
        if layout[i][0] == "pooler":
            layout[i] = (layout[i - 1][0], layout[i][1])
    return [*layout, (HEAD, head)] if head else layout


def _owning_children(model: nn.Module) -> list[tuple[str, nn.Module]]:
    return [(name, part) for name, part in model.named_children() if _has_parameters(part)]


def _has_parameters(part: nn.Module) -> bool:
    return any(True for _ in part.parameters())


def _strides(part: nn.Module) -> bool:
    """Whether a layer in ``part`` moves in steps greater than one, so that the resolution drops."""
    steps = (getattr(module, "stride", None) or 1 for module in part.modules())
    return any(max(step) > 1 if isinstance(step, tuple) else step > 1 for step in steps)


def _is_list(part: nn.Module) -> bool:
    # a ParametrizationList (weight norm) is a ModuleList too, but owns its layer's weights
    return isinstance(part, nn.ModuleList) and not list(part.parameters(recurse=False))


def _is_norm(part: nn.Module) -> bool:
    return "Norm" in type(part).__name__
