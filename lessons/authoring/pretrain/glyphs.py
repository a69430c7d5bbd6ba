"""Pre-train a ResNet to tell printed letters apart: ``python -m authoring.pretrain.glyphs``.

Nothing is downloaded: the letters come from the fonts inside matplotlib. Takes about 45 minutes of
one core. Killed at any moment, it goes on where it last saved.
"""

from __future__ import annotations

import json
import time
import unicodedata
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from tqdm.auto import tqdm

from authoring.pretrain import shipping
from ftlib import resume
from ftlib.models.resnet import resnet10
from ftlib.tasks.glyphs import CANVAS, FONTS, HELD_OUT_FONTS, MEAN, SIZE, STD, GlyphBank, letters_of, render

NAME = "glyph-resnet10"
STEPS, BATCH, MAX_LR, WEIGHT_DECAY, SMOOTHING = 9000, 256, 2e-3, 0.05, 0.1
SAVE_EVERY = 250
RESUME = "resume.pt"
SCRIPTS = ("LATIN", "GREEK", "CYRILLIC", "ARMENIAN", "GEORGIAN", "LAO", "TIFINAGH", "NKO")


def _is_plain_letter(char: str) -> bool:
    name = unicodedata.name(char, "")
    return (
        unicodedata.category(char) in ("Lu", "Ll", "Lo")
        and name.split(" ")[0] in SCRIPTS
        and not unicodedata.decomposition(char)
        and " WITH " not in name
        and "TONE" not in name
        and "DIGRAPH" not in name
    )


def choose_letters(closest: float = 0.012) -> list[str]:
    """The letters to tell apart: plain ones, and one of each group that looks alike when scaled (A and Greek Alpha).

    Args:
        closest: two letters whose renderings differ by less than this mean squared ink count as one.
    """
    font = "DejaVuSans.ttf"
    candidates = sorted(char for char in letters_of(font) if _is_plain_letter(char))
    chosen: list[str] = []
    kept = np.zeros((0, CANVAS // 4, CANVAS // 4), np.float32)
    for char in candidates:
        ink = render(char, font).reshape(CANVAS // 4, 4, CANVAS // 4, 4).mean((1, 3)).astype(np.float32) / 255
        if not ink.any() or (len(kept) and ((kept - ink) ** 2).mean((1, 2)).min() < closest):
            continue
        chosen.append(char)
        kept = np.concatenate([kept, ink[None]])
    return chosen


@torch.no_grad()
def accuracy(model: torch.nn.Module, bank: GlyphBank, n: int = 4000, seed: int = 1) -> float:
    """Share of ``n`` freshly distorted letters of ``bank`` that the model names correctly."""
    model.eval()
    x, y = bank.sample(n, torch.Generator().manual_seed(seed))
    hits = sum((model(xb).argmax(1) == yb).sum().item() for xb, yb in zip(x.split(500), y.split(500), strict=True))
    model.train()
    return hits / n


def train(out: Path, steps: int = STEPS, seed: int = 0, threads: int = 1) -> dict:
    """Train and save ``model.safetensors``, ``config.json`` and ``training.json`` in ``out``; return the summary."""
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    out.mkdir(parents=True, exist_ok=True)
    letters = choose_letters()
    bank = GlyphBank.draw(letters, FONTS)
    unseen = GlyphBank.draw(letters, HELD_OUT_FONTS)
    model = resnet10(len(letters)).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=WEIGHT_DECAY, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, MAX_LR, total_steps=steps, pct_start=0.1)
    call = resume.describe({"steps": steps, "seed": seed, "batch_size": BATCH, "letters": letters})
    parts = {"model": model, "optimizer": optimizer, "schedule": schedule}
    state = resume.restore(out / RESUME, call, parts) or {"step": 0, "seconds": 0.0, "log": []}
    for step in tqdm(range(state["step"], steps), initial=state["step"], total=steps, mininterval=10):
        started = time.perf_counter()
        # one generator a step: a resumed run sees the very same letters
        x, y = bank.sample(BATCH, torch.Generator().manual_seed(seed * 1_000_003 + step))
        with torch.autocast("cpu", torch.bfloat16):
            loss = F.cross_entropy(model(x.to(memory_format=torch.channels_last)), y, label_smoothing=SMOOTHING)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        state["step"] = step + 1
        state["seconds"] += time.perf_counter() - started
        if state["step"] % SAVE_EVERY == 0 or state["step"] == steps:
            entry = {"step": state["step"], "loss": round(loss.item(), 4), "unseen_fonts": accuracy(model, unseen)}
            state["log"].append(entry)
            resume.save(out / RESUME, call, parts, **state)
            tqdm.write(json.dumps(entry))
    return save(out, model, letters, state, bank, unseen)


def save(out: Path, model, letters: list[str], state: dict, bank: GlyphBank, unseen: GlyphBank) -> dict:
    """Write the finished checkpoint in half precision and remove the resume file."""
    config = {"architecture": "resnet10", "image_size": SIZE, "mean": MEAN, "std": STD, "classes": letters}
    summary = {
        "classes": len(letters), "rendered_glyphs": len(bank.labels), "images_seen": state["step"] * BATCH,
        "steps": state["step"], "seconds": round(state["seconds"]), "threads": torch.get_num_threads(),
        "accuracy_training_fonts": accuracy(model, bank), "accuracy_unseen_fonts": accuracy(model, unseen),
        "log": state["log"],
    }  # fmt: skip
    shipping.ship(out, shipping.halved(model.state_dict()), config, summary)
    write_card(out)
    (out / RESUME).unlink(missing_ok=True)
    return summary


def write_card(folder: Path) -> None:
    """Write the model card, ``README.md``, from ``config.json`` and ``training.json`` in ``folder``."""
    config, record = shipping.shipped(folder)
    log = record["log"][:: max(1, len(record["log"]) // 6)]
    shipping.write_card(
        folder, "glyphs", classes=record["classes"], size=config["image_size"], mean=config["mean"], std=config["std"],
        rendered=record["rendered_glyphs"], fonts=len(FONTS), steps=record["steps"], batch=BATCH,
        images=record["images_seen"], lr=MAX_LR, decay=WEIGHT_DECAY, smoothing=SMOOTHING,
        minutes=record["seconds"] / 60, threads=record["threads"], seen=record["accuracy_training_fonts"],
        unseen=record["accuracy_unseen_fonts"],
        log=", ".join(f"step {entry['step']:,}: {entry['unseen_fonts']:.2f}" for entry in log),
    )  # fmt: skip


def main() -> None:
    """Command line."""
    summary = train(**shipping.arguments(__doc__, NAME, steps=STEPS, seed=0, threads=1))
    print(json.dumps({key: value for key, value in summary.items() if key != "log"}, indent=1))


if __name__ == "__main__":
    main()
