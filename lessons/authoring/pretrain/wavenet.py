"""Pre-train the speech recogniser on synthetic voices: ``python -m authoring.pretrain.wavenet``.

Three stages, each of which goes on where it was killed: ``shards`` (sentences are read aloud and kept as log-mel
pictures), ``train`` (a constant rate, then a cool-down; from before the cool-down it can be prolonged), ``export``.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm.auto import tqdm

from authoring.pretrain import speech_data
from authoring.pretrain.muon import MuonAdamW
from authoring.pretrain.speech_batches import Pool, Recordings
from authoring.pretrain.wavenet_export import export
from ftlib import resume
from ftlib.models.wavenet import WaveNet
from ftlib.speech import ctc

NAME = "speech-wavenet"
LR, MATRIX_LR, BATCH, WARMUP, CLIP, AVERAGE = 1.5e-3, 3e-3, 32, 200, 1.0, 0.998
COOL_DOWN = 0.25  # share of the time
WATCHED = 200  # validation sentences that are followed during training
STATE, STABLE = "state.pt", "stable.pt"


def loss_of(model: WaveNet, x: Tensor, targets: Tensor, lengths: Tensor, target_lengths: Tensor) -> Tensor:
    """CTC loss a character of a padded batch, in bfloat16 autocast."""
    with torch.autocast(x.device.type, torch.bfloat16):
        scores = model(x)
    log_probs = scores.float().log_softmax(-1).transpose(0, 1)
    return F.ctc_loss(log_probs, targets, model.out_lengths(lengths), target_lengths, zero_infinity=True)


@torch.no_grad()
def error_rates(model: WaveNet, pool: Pool, batch: int = 16) -> dict[str, float]:
    """Greedy character and word error rate over all sentences of ``pool``."""
    device = next(model.parameters()).device
    model.eval()
    said, read = [], []
    for index in pool.lengths.argsort().split(batch):
        x, lengths = pool.features(index)
        scores = model(x.to(device), lengths.to(device))
        read += ctc.greedy(scores, model.out_lengths(lengths))
        said += [pool.texts[i] for i in index.tolist()]
    model.train()
    return {"cer": round(ctc.character_error_rate(said, read), 4), "wer": round(ctc.word_error_rate(said, read), 4)}


def rate_factor(step: int, seconds: float, budget: float) -> float:
    """Warm-up by steps, then constant, then a linear cool-down to zero at ``budget`` seconds."""
    return min(1.0, (step + 1) / WARMUP, max(0.0, (budget - seconds) / (COOL_DOWN * budget)))


class Trainer:
    """One pre-training run, with its state in ``work``.

    Args:
        work: folder with the shards and the state; never part of the course.
        budget: seconds of training in all; on a CPU seconds of one core.
        prolong: go on from before the cool-down of a finished run.
    """

    def __init__(
        self, work: Path, budget: float, *, channels: int, lr: float = MATRIX_LR, batch: int = BATCH, seed: int = 0,
        device: str = "cpu", prolong: bool = False,
    ):  # fmt: skip
        torch.manual_seed(seed)
        self.work, self.budget, self.lr, self.batch, self.seed, self.device = work, budget, lr, batch, seed, device
        self.model = WaveNet(channels=channels).to(device)
        self.average = AveragedModel(self.model, multi_avg_fn=get_ema_multi_avg_fn(AVERAGE))
        self.optimizer = MuonAdamW(self.model, LR, lr, apart=("stem", "head"))
        self.call = resume.describe({"channels": channels, "lr": lr, "batch": batch, "seed": seed})
        self.parts = {"model": self.model, "average": self.average, "optimizer": self.optimizer}
        start = work / (STABLE if prolong else STATE)
        self.state = resume.restore(start, self.call, self.parts) or {
            "step": 0, "seconds": 0.0, "audio_seconds": 0.0, "log": [], "cooling": False,
        }  # fmt: skip

    def clock(self) -> float:
        """Seconds that count towards the budget: of computing on a CPU, so that a busy machine costs nothing."""
        return time.process_time() if self.device == "cpu" else time.perf_counter()

    def run(self, train: Recordings, valid: Pool, noisy: Pool, every: float = 300.0) -> None:
        """Train until the budget is spent; score and save every so many seconds."""
        state, losses, due = self.state, [], self.state["seconds"] + every
        bar = tqdm(total=round(self.budget), initial=round(state["seconds"]), unit="s", mininterval=30)
        while state["seconds"] < self.budget:
            started = self.clock()
            if not state["cooling"] and state["seconds"] > (1 - COOL_DOWN) * self.budget:
                resume.save(self.work / STABLE, self.call, self.parts, **state)
                state["cooling"] = True
            losses.append(self.step(train))
            state["seconds"] += self.clock() - started
            bar.update(round(state["seconds"]) - bar.n)
            if state["seconds"] >= min(due, self.budget):
                due = state["seconds"] + every
                self.note(sum(losses) / len(losses), valid, noisy)
                losses = []
        bar.close()

    def step(self, train: Recordings) -> float:
        """One step of the optimizer; returns the loss."""
        x, targets, lengths, target_lengths = train.batch(self.state["step"], self.batch, self.seed)
        loss = loss_of(self.model, x.to(self.device), targets.to(self.device), lengths, target_lengths)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), CLIP)
        self.optimizer.step(rate_factor(self.state["step"], self.state["seconds"], self.budget))
        self.average.update_parameters(self.model)
        self.state["step"] += 1
        self.state["audio_seconds"] += lengths.sum().item() / 80
        return loss.item()

    def note(self, loss: float, valid: Pool, noisy: Pool) -> None:
        """Score the averaged weights, write a line of the log, save the state."""
        entry = {"step": self.state["step"], **self.spent(), "loss": round(loss, 4), **self.scores(valid, noisy)}
        self.state["log"].append(entry)
        tqdm.write(json.dumps(entry))
        resume.save(self.work / STATE, self.call, self.parts, **self.state)

    def spent(self) -> dict[str, float]:
        """Minutes of training, and hours of sound heard."""
        minutes, hours = self.state["seconds"] / 60, self.state["audio_seconds"] / 3600
        return {"minutes": round(minutes, 1), "audio_hours": round(hours, 1)}

    def scores(self, valid: Pool, noisy: Pool) -> dict[str, float]:
        """Error rates of the averaged weights, on clean and on noisy sound."""
        clean, rough = (error_rates(self.average.module, pool) for pool in (valid, noisy))
        return {**clean, "noisy_cer": rough["cer"], "noisy_wer": rough["wer"]}


def make_shards(work: Path, texts: Path, count: int) -> None:
    """Synthesise what is missing of the validation sets and of ``count`` training shards."""
    work.mkdir(parents=True, exist_ok=True)
    for name, noisy in (("valid", False), ("valid_noisy", True)):
        if not (work / f"{name}.npz").exists():
            speech_data.make_valid(texts, noisy=noisy).save(work / f"{name}.npz")
    for index in tqdm(range(count), desc="shards"):
        path = work / f"train_{index:03d}.npz"
        if not path.exists():
            speech_data.make_shard(texts, index).save(path)


def record_of(trainer: Trainer, train: Pool, valid: Pool, noisy: Pool) -> dict[str, Any]:
    """How a run went, and what its averaged weights score on the whole validation set."""
    return {
        "steps": trainer.state["step"], "batch": trainer.batch, "lr": trainer.lr, **trainer.spent(),
        "hours": round(train.hours, 1), "sentences": len(train.texts), "valid": len(valid.texts),
        **trainer.scores(valid, noisy), "log": trainer.state["log"],
    }  # fmt: skip


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stage", nargs="?", choices=("all", "shards", "train", "export"), default="all")
    parser.add_argument("--work", type=Path, default=Path(".ftlib/wavenet"), help="folder for shards and the state")
    parser.add_argument("--texts", type=Path, default=Path("wikitext-2"), help="WikiText-2: valid.txt and test.txt")
    parser.add_argument("--out", type=Path, default=Path("data/checkpoints") / NAME)
    parser.add_argument("--shards", type=int, default=96)
    parser.add_argument("--minutes", type=float, default=120, help="of training in all, of one core on a CPU")
    parser.add_argument("--channels", type=int, default=160)
    parser.add_argument("--lr", type=float, default=MATRIX_LR, help="Muon's step size")
    parser.add_argument("--batch", type=int, default=BATCH)
    parser.add_argument("--every", type=float, default=300, help="seconds from score to score")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--prolong", action="store_true", help="go on from before the cool-down")
    return parser.parse_args()


def main() -> None:
    """Command line."""
    args = _arguments()
    torch.set_num_threads(args.threads)
    shards = args.work / "shards"
    if args.stage in ("all", "shards"):
        make_shards(shards, args.texts, args.shards)
    if args.stage == "shards":
        return
    trainer = Trainer(
        args.work, args.minutes * 60, channels=args.channels, lr=args.lr, batch=args.batch, device=args.device,
        prolong=args.prolong,
    )  # fmt: skip
    valid, noisy = (Pool.read([shards / f"{name}.npz"]) for name in ("valid", "valid_noisy"))
    train = Pool.read(sorted(shards.glob("train_*.npz"))[: args.shards])
    print(json.dumps({"train_hours": round(train.hours, 1), "sentences": len(train.texts)}), flush=True)
    if args.stage in ("all", "train"):
        trainer.run(Recordings(train), valid.first(WATCHED), noisy.first(WATCHED), every=args.every)
    if args.stage in ("all", "export"):
        if not trainer.state["step"]:
            raise SystemExit(f"there is no trained state in {args.work}: name another --work")
        record = record_of(trainer, train, valid, noisy)
        export(args.out, trainer.average.module, {"channels": args.channels}, record)
        print(json.dumps({name: value for name, value in record.items() if name != "log"}, indent=1))


if __name__ == "__main__":
    main()
