"""Make the story-teller of lesson 08: ``python -m authoring.pretrain.stories {train,finish} --data FOLDER``.

GPT-2's architecture with 4.3 million parameters and a vocabulary of its own, trained on books and children's stories.
FOLDER holds ``train.jsonl.xz`` and ``test.jsonl.xz``, a ``name`` and a ``text`` a line; they are not shipped. ``train``
goes on at a constant rate until it is stopped or ``--millions`` of tokens are read; ``finish`` lowers the rate to zero
from there and writes the checkpoint (warm-up, stable, decay: Hu et al. 2024, https://arxiv.org/abs/2404.06395). The
stable state stays, so that ``train`` can go on after a ``finish``.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import math
import sys
import time
from pathlib import Path

import numpy as np
import torch
from tokenizers import ByteLevelBPETokenizer
from torch import Tensor, nn
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

from authoring.pretrain import shipping
from ftlib import resume, runtime

NAME, END = "story-gpt", "<|endoftext|>"
VOCABULARY, WIDTH, LAYERS, HEADS, CONTEXT = 4096, 256, 4, 4, 256
BATCH, LR, WARMUP, DECAY, SEED = 16, 2e-3, 200, 0.25, 0
BEGINNINGS = ("Once upon a time", "The king said:", "It was raining when")


def texts(path: Path) -> list[tuple[str, str]]:
    """Name and text of each book or story; a ruler at its start is cut off."""
    with lzma.open(path, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    return [(row["name"], row["text"].removeprefix("-------").strip()) for row in rows]


def held_out(name: str) -> bool:
    """Whether a text only watches the training, by its name alone: three in a hundred."""
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % 100 < 3


def make_tokenizer(stories: list[str]) -> PreTrainedTokenizerFast:
    """A byte-level BPE (Sennrich et al. 2016, https://arxiv.org/abs/1508.07909) learnt from ``stories``."""
    bpe = ByteLevelBPETokenizer()
    bpe.train_from_iterator(stories, vocab_size=VOCABULARY, special_tokens=[END], show_progress=False)
    names = {"bos_token": END, "eos_token": END, "unk_token": END, "pad_token": END}
    return PreTrainedTokenizerFast(tokenizer_object=bpe._tokenizer, model_max_length=CONTEXT, **names)


def tokens(words: PreTrainedTokenizerFast, stories: list[str]) -> Tensor:
    """All texts as one row of token numbers, (n,), an end mark before each."""
    encode, end = words.backend_tokenizer.encode, words.eos_token_id
    rows = [[end, *encode(text).ids] for text in stories]
    return torch.tensor(np.concatenate([np.array(row, dtype=np.int16) for row in rows]))


def prepare(data: Path, work: Path) -> tuple[PreTrainedTokenizerFast, Tensor, Tensor]:
    """Tokenizer, training tokens and the tokens that watch; kept in ``work``."""
    if not (work / "valid.npy").exists():
        rows = texts(data / "train.jsonl.xz")
        train, valid = ([text for name, text in rows if held_out(name) == watch] for watch in (False, True))
        words = make_tokenizer(train)
        words.save_pretrained(work)
        for name, part in (("train", train), ("valid", valid)):
            np.save(work / f"{name}.npy", tokens(words, part).numpy())
    words = PreTrainedTokenizerFast.from_pretrained(work)
    train, valid = (torch.from_numpy(np.load(work / f"{name}.npy")) for name in ("train", "valid"))
    return words, train, valid


def new_model(seed: int = SEED) -> GPT2LMHeadModel:
    """The network with random weights."""
    torch.manual_seed(seed)
    still = dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), 0.0)
    config = GPT2Config(vocab_size=VOCABULARY, n_positions=CONTEXT, n_embd=WIDTH, n_layer=LAYERS, n_head=HEADS,
                        activation_function="gelu_pytorch_tanh", bos_token_id=0, eos_token_id=0, **still)  # fmt: skip
    return GPT2LMHeadModel(config)


def window(row: Tensor, step: int) -> Tensor:
    """The batch of a step, (BATCH, CONTEXT + 1): a pass reads the text once, cut elsewhere and in a new order."""
    each = (len(row) - CONTEXT) // (CONTEXT * BATCH)  # steps in a pass
    rng = np.random.default_rng((SEED, step // each))
    offset, order = int(rng.integers(CONTEXT)), rng.permutation(each * BATCH)
    starts = order[(step % each) * BATCH : (step % each + 1) * BATCH] * CONTEXT + offset
    starts = np.minimum(starts, len(row) - CONTEXT - 1)
    return torch.stack([row[s : s + CONTEXT + 1] for s in starts]).long()


def loss_of(model: nn.Module, batch: Tensor) -> Tensor:
    """Mean cross-entropy of the next token, in nats."""
    return nn.functional.cross_entropy(model(batch[:, :-1]).logits.flatten(0, 1), batch[:, 1:].flatten())


@torch.no_grad()
def nats(model: nn.Module, row: Tensor, most: int | None = None) -> tuple[float, int]:
    """Sum of the losses of all tokens but the first, and their number; each is told from 128 to 255 before it."""
    model.eval()
    total, half, n = 0.0, CONTEXT // 2, min(len(row), (most or len(row))) - 1
    for start in range(0, n, half):
        first = max(0, start - half)
        part = row[first : min(start + half, n) + 1].long()[None]
        logits = model(part[:, :-1]).logits[0, start - first :]
        total += nn.functional.cross_entropy(logits, part[0, 1 + start - first :], reduction="sum").item()
    model.train()
    return total, n


class Run:
    """A training run with its state in ``work``."""

    def __init__(self, work: Path, words: PreTrainedTokenizerFast, train: Tensor, valid: Tensor) -> None:
        self.work, self.words, self.train, self.valid = work, words, train, valid
        self.model = new_model()
        matrices = [p for p in self.model.parameters() if p.ndim > 1]
        rest = [p for p in self.model.parameters() if p.ndim < 2]
        groups = [{"params": matrices, "weight_decay": 0.1}, {"params": rest, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(groups, lr=LR, betas=(0.9, 0.95), fused=True)
        self.call = resume.describe({"lr": LR, "batch": BATCH, "context": CONTEXT, "width": WIDTH, "layers": LAYERS})
        self.parts = {"model": self.model, "optimizer": self.optimizer}
        self.state = {"step": 0, "seconds": 0.0, "log": []}

    def restore(self, name: str) -> bool:
        """Go on from a kept state, if there is one."""
        found = resume.restore(self.work / name, self.call, self.parts)
        self.state = found or self.state
        return found is not None

    def go(self, until: int, rate: object, name: str, every: float = 180.0) -> None:
        """Train to step ``until``; ``rate(step)`` is the share of the full rate. Keeps the state as ``name``."""
        saved, recent = time.time(), []
        self.model.train()
        while self.state["step"] < until:
            began, step = time.process_time(), self.state["step"]
            for group in self.optimizer.param_groups:
                group["lr"] = LR * rate(step)
            loss = loss_of(self.model, window(self.train, step))
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            self.optimizer.step()
            self.optimizer.zero_grad()
            recent.append(loss.item())
            self.state["step"] = step + 1
            self.state["seconds"] += time.process_time() - began
            if self.state["step"] % 250 == 0:
                total, n = nats(self.model, self.valid, 20_000)
                entry = [step + 1, round(sum(recent) / len(recent), 3), round(total / n, 3)]
                self.state["log"].append(entry)
                print(*entry, f"{self.state['seconds']:.0f} s", flush=True)
                recent = []
            if time.time() - saved > every or self.state["step"] == until:
                resume.save(self.work / name, self.call, self.parts, **self.state)
                saved = time.time()


def bits_per_byte(model: nn.Module, words: PreTrainedTokenizerFast, text: str) -> float:
    """Bits that the model needs for a byte of ``text`` (UTF-8)."""
    total, _ = nats(model, tokens(words, [text]))
    return total / math.log(2) / len(text.encode())


def samples(model: GPT2LMHeadModel, words: PreTrainedTokenizerFast) -> list[str]:
    """What it goes on with, one for each beginning: drawn once, from a seed, not chosen."""
    said = []
    for beginning in BEGINNINGS:
        torch.manual_seed(SEED)
        ids = words(beginning, return_tensors="pt").input_ids
        made = model.generate(ids, max_new_tokens=50, do_sample=True, temperature=0.8, top_k=40, pad_token_id=0)
        said.append(" ".join(words.decode(made[0]).split()))
    return said


def save(run: Run, data: Path, out: Path) -> dict[str, object]:
    """Score the test books, write weights, tokenizer, record and card."""
    model = run.model.eval()
    scores = {name.split("/")[-1].removesuffix(".md"): round(bits_per_byte(model, run.words, text), 3)
              for name, text in texts(data / "test.jsonl.xz")}  # fmt: skip
    record = {
        **run.state, "seconds": round(run.state["seconds"]), "tokens": run.state["step"] * BATCH * CONTEXT,
        "of": len(run.train), "lr": LR, "batch": BATCH, "context": CONTEXT, "bits_per_byte": scores,
        "samples": samples(model, run.words), "threads": torch.get_num_threads(), "versions": runtime.versions(),
    }  # fmt: skip
    weights = {name: x for name, x in shipping.halved(model.state_dict()).items() if name != "lm_head.weight"}
    run.words.save_pretrained(out)
    shipping.ship(out, weights, model.config.to_diff_dict() | {"architectures": ["GPT2LMHeadModel"]}, record)
    table = "\n".join(f"| {name} | {bits} |" for name, bits in scores.items())
    log = ", ".join(f"{valid} at {step}" for step, _, valid in record["log"][:: max(1, len(record["log"]) // 6)])
    said = "\n\n".join(f"> {text}" for text in record["samples"])
    more = {"millions": record["tokens"] / 1e6, "passes": record["tokens"] / len(run.train),
            "minutes": record["seconds"] / 60, "table": table, "said": said, "curve": log}  # fmt: skip
    shipping.write_card(out, "stories", **record | more)
    return record


def main() -> None:
    """Command line."""
    stage = sys.argv.pop(1) if len(sys.argv) > 1 and sys.argv[1] in ("train", "finish") else "train"
    args = shipping.arguments(__doc__, NAME, data=Path("books"), work=Path(".ftlib") / NAME, millions=60.0)
    args["work"].mkdir(parents=True, exist_ok=True)
    run = Run(args["work"], *prepare(args["data"], args["work"]))
    stable = run.restore("stable.pt")
    if stage == "train":
        run.go(int(args["millions"] * 1e6 / (BATCH * CONTEXT)), lambda step: min(1.0, (step + 1) / WARMUP), "stable.pt")
        return
    if not stable:
        raise SystemExit(f"there is no trained state in {args['work']}: run train first, or name another --work")
    start = run.state["step"]
    end = start + int(start * DECAY / (1 - DECAY))  # decay takes this share of the whole
    run.restore("decay.pt") if (args["work"] / "decay.pt").exists() else None
    run.go(end, lambda step: (end - step) / (end - start), "decay.pt")
    print(json.dumps(save(run, args["data"], args["out"]), indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
