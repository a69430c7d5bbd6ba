"""What the colleagues' scripts read: the course's data, in the form in which somebody may hand it to you."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from tempfile import TemporaryDirectory

import torch
from torch import Tensor, nn
from torch.utils.data import TensorDataset
from torchaudio.functional import resample

from ftlessons.lesson02.transfer import sound_pictures
from ftlessons.lesson05.monitor import copies
from ftlib import tasks
from ftlib.robot.tasks import ArmTask
from ftlib.speech import audio
from ftlib.speech.clips import Clips
from ftlib.tasks.base import Task
from ftlib.tasks.glyphs import MEAN, STD
from ftlib.tasks.tokens import Texts, encode
from ftlib.tasks.vision import writer_of

__all__ = [
    "TemporaryDirectory", "archive", "as_they_are", "at_rate", "collate_up_to", "drawn_sounds", "folders", "fresh",
    "labels", "recorded", "relabelled", "reposted", "scanned", "shortened", "some", "successes", "take",
]  # fmt: skip
FAST_RATE = 16_000  # Hz, of the recorder; the network was made for audio.RATE


def some(data: Texts | Clips | TensorDataset, n: int, seed: int = 0) -> Texts | Clips | TensorDataset:
    """``n`` examples, drawn without replacement."""
    return take(data, torch.randperm(len(data), generator=torch.Generator().manual_seed(seed))[:n].tolist())


def take(data: Texts | Clips | TensorDataset, index: Sequence[int]) -> Texts | Clips | TensorDataset:
    """The examples at these places, in this order."""
    if isinstance(data, Clips):
        return data.take(index)
    if isinstance(data, Texts):
        return Texts([data.texts[i] for i in index], data.labels[index])
    return TensorDataset(*(tensor[index] for tensor in data.tensors))


def labels(data: Texts | Clips | TensorDataset) -> Tensor:
    """The class number of each example."""
    if isinstance(data, Clips):
        return torch.tensor(data.column("label"))
    return data.labels if isinstance(data, Texts) else data.tensors[1]


def relabelled(data: Texts | Clips | TensorDataset, new: Sequence[int]) -> Texts | Clips | TensorDataset:
    """The same examples with other class numbers."""
    if isinstance(data, Clips):
        return Clips(data.waves, [row | {"label": int(n)} for row, n in zip(data.about, new, strict=True)])
    numbers = torch.as_tensor(new)
    return Texts(data.texts, numbers) if isinstance(data, Texts) else TensorDataset(data.tensors[0], numbers)


def folders(data: Texts | Clips | TensorDataset) -> Texts | Clips | TensorDataset:
    """The same examples class by class, as they lie in folders."""
    return take(data, labels(data).argsort(stable=True).tolist())


def archive(seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Eight digits a class in five bent copies each: pictures, labels, and who wrote each (five people)."""
    digits = tasks.get("digits")
    (x, y), pool = digits.sample(8, seed).tensors, digits.split("train").tensors[0]
    near = torch.cdist(x[:, 0].flatten(1), pool[:, 0].flatten(1)).argmin(1)
    writers = torch.from_numpy(writer_of(digits.indices("train"))[near.numpy()])
    return copies(x, 5, seed), y.repeat_interleave(5), writers.repeat_interleave(5)


def reposted(data: Texts, seed: int) -> tuple[Texts, list[int]]:
    """Every review three times, each time without one of its words, and the number of the review it comes from."""
    draw, made, numbers, whence = torch.Generator().manual_seed(seed), [], [], []
    for place, (text, number) in enumerate(zip(data.texts, data.labels.tolist(), strict=True)):
        for _ in range(3):
            words = text.split()
            del words[int(torch.randint(len(words), (1,), generator=draw))]
            made.append(" ".join(words))
            numbers.append(number)
            whence.append(place)
    return Texts(made, torch.tensor(numbers)), whence


def recorded(data: Clips) -> Clips:
    """The clips as a recorder that takes 16,000 samples a second would have written them."""
    return Clips([resample(wave, audio.RATE, FAST_RATE) for wave in data.waves], data.about)


def at_rate(data: Clips, before: int, after: int) -> Clips:
    """Clips of ``before`` samples a second, as ``after`` samples a second."""
    return Clips([resample(wave, before, after) for wave in data.waves], data.about)


def as_they_are(data: Clips | TensorDataset) -> Clips | TensorDataset:
    """No preparation at all."""
    return data


def shortened(data: Clips, seconds: float) -> Clips:
    """The beginning of each clip."""
    return Clips([wave[: int(seconds * audio.RATE)] for wave in data.waves], data.about)


def collate_up_to(tokens: int) -> Callable[[list], dict[str, Tensor]]:
    """A collate function for texts that keeps so many tokens of each."""

    def collate(examples: list[tuple[str, Tensor]]) -> dict[str, Tensor]:
        texts, numbers = zip(*examples, strict=True)
        return encode(texts, tokens) | {"labels": torch.stack(numbers)}

    return collate


def fresh(name: str) -> Task:
    """A task of one's own, which a script may change."""
    return type(tasks.get(name))()


def scanned(data: TensorDataset) -> TensorDataset:
    """Digits as the scanner gives them, ink from 0 to 1, not yet standardised."""
    x, y = data.tensors
    return TensorDataset(x * STD + MEAN, y)


def drawn_sounds(each: int, seed: int) -> tuple[TensorDataset, TensorDataset]:
    """Spoken digits as pictures of their pitches, for the network that reads pictures: ``each`` a class, and a test."""
    (x, y), generator = sound_pictures("train"), torch.Generator().manual_seed(seed)
    index = torch.cat([(y == n).nonzero()[:, 0][torch.randperm(int((y == n).sum()), generator=generator)[:each]]
                       for n in range(10)])  # fmt: skip
    return TensorDataset(x[index], y[index]), TensorDataset(*sound_pictures("test"))


def successes(task: ArmTask, model: nn.Module, n: int = 20) -> float:
    """Share of ``n`` test episodes in which the arm brings the block to its goal."""
    return sum(episode.success for episode in task.episodes(model, "test", n)) / n


