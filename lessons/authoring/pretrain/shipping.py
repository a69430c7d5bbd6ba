"""What the pre-training scripts share: their arguments, and the files that a finished checkpoint consists of."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from authoring import template
from authoring.notebooks.book import write
from ftlib.resume import replacing


def arguments(doc: str, name: str, **defaults: Any) -> dict[str, Any]:
    """The options of a script: ``--out``, the folder of checkpoint ``name``, and one for each default, of its type."""
    parser = argparse.ArgumentParser(description=doc)
    for option, value in {"out": Path("data/checkpoints") / name, **defaults}.items():
        parser.add_argument(f"--{option}", type=Path if isinstance(value, Path) else type(value), default=value)
    return vars(parser.parse_args())


def halved(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights in half precision; whole numbers stay."""
    return {name: x.detach().cpu().half().contiguous() if x.is_floating_point() else x for name, x in weights.items()}


def ship(out: Path, weights: Mapping[str, Tensor], config: Mapping[str, Any], record: Mapping[str, Any]) -> None:
    """Write ``model.safetensors``, ``config.json`` and ``training.json`` into ``out``."""
    from safetensors.torch import save_file

    out.mkdir(parents=True, exist_ok=True)
    with replacing(out / "model.safetensors") as part:
        save_file(dict(weights), part, metadata={"format": "pt"})
    for name, content in (("config.json", config), ("training.json", record)):
        write(out / name, json.dumps(content, ensure_ascii=False, indent=1) + "\n")


def shipped(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The configuration and the training record of a checkpoint."""
    config, record = (json.loads((folder / f"{x}.json").read_text(encoding="utf-8")) for x in ("config", "training"))
    return config, record


def write_card(folder: Path, name: str, **fields: object) -> None:
    """Write ``README.md``: ``templates/card_NAME.md``, filled."""
    write(folder / "README.md", template(f"card_{name}.md").format(**fields))
