"""Make the reader of lesson 07: ``python -m authoring.pretrain.answers --data FOLDER``.

MiniLM learns to mark the answer to a question in a text: first on single sentences (QAMR, Michael et al. 2018,
https://arxiv.org/abs/1711.05885), then on paragraphs (SQuADShifts, Miller et al. 2020,
https://arxiv.org/abs/2004.14444). FOLDER holds both sets; they are not shipped. The word vectors stay as they are. What
ships is the difference to MiniLM, each matrix at rank 64. It takes a good hour of one core and goes on where it was
interrupted.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import re
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from authoring.pretrain import shipping
from ftlessons.lesson07.reader import difference, raw_reader, with_difference
from ftlessons.lesson07.spans import Window, answer_all, collate, windows
from ftlib import resume, runtime
from ftlib.models.sentences import tokenizer

NAME, RANK = "house-reader", 64
PARTS = ("new_wiki", "amazon_reviews", "reddit")
SENTENCES, PARAGRAPHS = 24_000, 16_000  # questions of each set that the training sees
BATCH, LR, WARMUP, DECAY, SEED = 16, 1e-4, 0.03, 0.3, 0
LENGTH = 176
UNQUOTE = {"``": '"', "''": '"', "-LRB-": "(", "-RRB-": ")", "-LSB-": "[", "-RSB-": "]"}


@dataclass(frozen=True)
class Question:
    """A question, its text, the answers that people gave (text, first character), and what belongs together."""

    question: str
    text: str
    answers: tuple[tuple[str, int], ...]
    group: str

    @property
    def target(self) -> tuple[str, int]:
        """The answer that most people gave."""
        return Counter(self.answers).most_common(1)[0][0]


def sentences(folder: Path) -> list[Question]:
    """QAMR's questions whose answer is one unbroken stretch and that no validator called invalid."""
    lines = (line.split("\t") for line in _lines(folder / "qamr-wiki-sentences.tsv.xz"))
    text = {key: [UNQUOTE.get(word, word) for word in words.split(" ")] for key, words in lines}
    found = []
    for name in ("dev", "test"):
        for line in _lines(folder / f"qamr-full-{name}.tsv.xz"):
            key, _, _, _, _, question, places, *checks = line.split("\t")
            where = [int(place) for place in places.split()]
            if key not in text or not where or any(check.endswith("Invalid") for check in checks):
                continue
            if where != list(range(where[0], where[0] + len(where))):
                continue
            words = text[key]
            start = len(" ".join(words[: where[0]])) + (where[0] > 0)
            answer = " ".join(words[where[0] : where[-1] + 1])
            found.append(Question(question, " ".join(words), ((answer, start),), key))
    return found


def paragraphs(folder: Path, part: str) -> list[Question]:
    """One part of SQuADShifts. What belongs together is an article, a review or a comment."""
    with lzma.open(folder / f"shifts-{part}.json.xz", "rt", encoding="utf-8") as file:
        articles = json.load(file)["data"]
    return [
        Question(qa["question"].strip(), paragraph["context"],
                 tuple((answer["text"], answer["answer_start"]) for answer in qa["answers"]),
                 article["title"] if part == "new_wiki" else paragraph["context"])
        for article in articles for paragraph in article["paragraphs"] for qa in paragraph["qas"]
    ]  # fmt: skip


def held_out(group: str) -> str:
    """``"test"``, ``"valid"`` or ``"train"`` for an article, by its name alone: 10, 5 and 85 in a hundred."""
    place = int(hashlib.sha256(group.encode()).hexdigest(), 16) % 100
    return "test" if place < 10 else "valid" if place < 15 else "train"


def _lines(path: Path) -> list[str]:
    with lzma.open(path, "rt", encoding="utf-8") as file:
        return file.read().splitlines()


def examples(folder: Path) -> list[Question]:
    """What the training sees, in its order: sentences first, then paragraphs, all in an order drawn from the seed."""
    rng = np.random.default_rng(SEED)
    easy = sentences(folder)
    hard = [q for part in PARTS for q in paragraphs(folder, part) if held_out(q.group) == "train"]
    chosen = []
    for pool, n in ((easy, SENTENCES), (hard, PARAGRAPHS)):
        order = np.concatenate([rng.permutation(len(pool)) for _ in range(-(-n // len(pool)))])[:n]
        chosen += [pool[i] for i in order]
    return chosen


def labelled(question: Question, words: object, rng: np.random.Generator) -> tuple[Window, int, int]:
    """One window with the answer in it, drawn where there are several, and its first and last token."""
    answer, start = question.target
    made = [(w, *w.label(start, start + len(answer))) for w in windows(words, question.question, question.text, LENGTH)]
    inside = [one for one in made if one[1]]
    return (inside or made)[int(rng.integers(len(inside or made)))]


def loss_of(model: nn.Module, batch: list[tuple[Window, int, int]]) -> Tensor:
    """Cross-entropy of first and last token, summed over the questions of a micro-batch."""
    logits = model(**collate([one[0] for one in batch])).float()
    start, end = (torch.tensor([one[i] for one in batch]) for i in (1, 2))
    losses = [
        nn.functional.cross_entropy(scores, where, reduction="sum")
        for scores, where in ((logits[:, :, 0], start), (logits[:, :, 1], end))
    ]
    return sum(losses) / 2


def rate(step: int, steps: int) -> float:
    """Warm-up, a stable stretch, and a linear way down (Hu et al. 2024, https://arxiv.org/abs/2404.06395)."""
    return LR * min(1.0, (step + 1) / (WARMUP * steps), (steps - step) / (DECAY * steps))


def train(folder: Path, out: Path, every: float = 120.0) -> tuple[nn.Module, dict]:
    """Train, or go on; returns the model and the record."""
    data, words = examples(folder), tokenizer()
    steps = len(data) // BATCH
    model = raw_reader(seed=SEED)
    model.bert.embeddings.word_embeddings.weight.requires_grad_(False)
    weights = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=LR, weight_decay=0.01)
    step, seconds, log, state = 0, 0.0, [], out / "resume.pt"
    if state.exists():
        kept = torch.load(state, weights_only=True)
        model.load_state_dict(kept["model"])
        optimizer.load_state_dict(kept["optimizer"])
        step, seconds, log = kept["step"], kept["seconds"], kept["log"]
    began, saved, recent = time.process_time() - seconds, time.time(), []
    model.train()
    while step < steps:
        rng = np.random.default_rng((SEED, step))
        torch.manual_seed(step)
        batch = [labelled(q, words, rng) for q in data[step * BATCH : (step + 1) * BATCH]]
        batch.sort(key=lambda one: len(one[0].ids))
        optimizer.param_groups[0]["lr"] = rate(step, steps)
        total = 0.0
        for at in range(0, BATCH, 8):
            with torch.autocast("cpu", torch.bfloat16):
                loss = loss_of(model, batch[at : at + 8]) / BATCH
            loss.backward()
            total += loss.item()
        nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        step, recent = step + 1, [*recent, total]
        seconds = time.process_time() - began
        if step % (steps // 15) == 0:
            log.append([step, round(sum(recent) / len(recent), 3)])
            print(f"{step}/{steps}, loss {log[-1][1]}, {seconds:.0f} s", flush=True)
            recent = []
        if step == steps or time.time() - saved > every:
            with resume.replacing(state) as part:
                torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step,
                            "seconds": seconds, "log": log}, part)  # fmt: skip
            saved = time.time()
    return model.eval(), {"sentences": SENTENCES, "paragraphs": PARAGRAPHS, "steps": steps, "batch": BATCH, "lr": LR,
                          "seconds": round(seconds), "log": log}  # fmt: skip


def _plain(text: str) -> str:
    text = re.sub(r"\b(a|an|the)\b", " ", re.sub(r"[^\w\s]", "", text.lower()))
    return " ".join(text.split())


def marks(said: str, answers: tuple[tuple[str, int], ...]) -> tuple[float, float]:
    """SQuAD's exact match and F1 against the best of the answers."""
    best = (0.0, 0.0)
    for answer, _ in answers:
        a, b = _plain(said).split(), _plain(answer).split()
        shared = sum((Counter(a) & Counter(b)).values())
        f1 = 2 * shared / (len(a) + len(b)) if a and b else float(a == b)
        best = max(best, (float(a == b), f1), key=lambda both: both[1])
    return best


def measure(model: nn.Module, folder: Path, split: str = "test", most: int | None = None) -> dict:
    """EM and F1 on held-out articles of each part, with 95 % intervals from a bootstrap over the articles."""
    result, words = {}, tokenizer()
    for part in PARTS:
        asked = [q for q in paragraphs(folder, part) if held_out(q.group) == split]
        rng = np.random.default_rng(SEED)
        asked = [asked[i] for i in rng.permutation(len(asked))[:most]]
        said = [text for text, _ in answer_all(model, words, [(q.question, q.text) for q in asked])]
        table = np.array([marks(text, q.answers) for text, q in zip(said, asked, strict=True)]) * 100
        names = sorted({q.group for q in asked})
        groups = [np.array([i for i, q in enumerate(asked) if q.group == name]) for name in names]
        draws = [np.concatenate([groups[g] for g in rng.integers(len(groups), size=len(groups))]) for _ in range(1000)]
        low, high = np.quantile([table[draw].mean(0) for draw in draws], [0.025, 0.975], axis=0)
        em, f1 = table.mean(0)
        result[part] = {
            "questions": len(asked), "groups": len(names), "em": round(em, 1), "f1": round(f1, 1),
            "em_interval": [round(low[0], 1), round(high[0], 1)], "f1_interval": [round(low[1], 1), round(high[1], 1)],
        }  # fmt: skip
    return result


def save(shipped: dict[str, Tensor], out: Path, record: dict) -> None:
    """Write the difference, the record and the card."""
    shipping.ship(out, shipped, {"base": "sentence-transformers/all-MiniLM-L6-v2", "rank": RANK}, record)
    table = "\n".join(
        "| {} | {:,} | {} | {} ({} to {}) | {} ({} to {}) |".format(
            part.replace("_", " "), found["questions"], found["groups"],
            found["em"], *found["em_interval"], found["f1"], *found["f1_interval"],
        )
        for part, found in record["scores"].items()
    )  # fmt: skip
    log = ", ".join(f"{loss} at {step}" for step, loss in record["log"][::3])
    more = {"length": LENGTH, "minutes": record["seconds"] / 60, "table": table, "log": log}
    shipping.write_card(out, "reader", **record | more)


def main() -> None:
    """Command line."""
    args = shipping.arguments(__doc__, NAME, data=Path("data"), work=Path(".ftlib") / NAME)
    args["work"].mkdir(parents=True, exist_ok=True)
    model, record = train(args["data"], args["work"])
    shipped = difference(model, RANK)
    seen = sum(held_out(q.group) == "train" for part in PARTS for q in paragraphs(args["data"], part))
    record |= {"passes": round(PARAGRAPHS / seen, 2), "rank": RANK}
    record |= {"threads": torch.get_num_threads(), "versions": runtime.versions()}
    record["scores"] = measure(with_difference(shipped), args["data"])
    record["before_compression"] = measure(model, args["data"], most=300)
    save(shipped, args["out"], record)
    print(json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
