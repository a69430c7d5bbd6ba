"""Pictures that change a little each time they are drawn, so that few labels go further."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor
from torch.utils.data import Dataset

from ftlib.tasks.glyphs import MEAN, STD

AUGMENTATIONS = ("none", "gentle", "flips")
PAPER = -MEAN / STD  # what bare ground looks like to the network; corners that turn into view get this value


class Augmented(Dataset):
    """A data set of ``(image, label)`` whose images are transformed anew each time they are drawn.

    Args:
        data: a map-style data set.
        transform: takes and returns an image (C, H, W).
    """

    def __init__(self, data: Dataset, transform: Callable[[Tensor], Tensor]):
        self.data, self.transform = data, transform

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        image, label = self.data[index]
        return self.transform(image), label


def augmentation(name: str, ground: float = PAPER) -> Callable[[Tensor], Tensor]:
    """A random transform for images of single signs, from torchvision's v2 transforms.

    ``"gentle"`` turns, shifts, scales and shears a little, as hands do. ``"flips"`` mirrors both ways: what
    is right for stars or cells turns a 6 into something like a 9. ``"none"`` changes nothing. The draws come
    from torch's global generator, which ``fit`` seeds.

    Args:
        ground: value of the pixels that a turn or shift brings into view.

    Raises:
        ValueError: there is no augmentation of that name.
    """
    from torchvision.transforms import InterpolationMode, v2

    if name == "gentle":
        return v2.RandomAffine(
            degrees=10, translate=(0.06, 0.06), scale=(0.9, 1.1), shear=10,
            interpolation=InterpolationMode.BILINEAR, fill=ground,
        )  # fmt: skip
    if name == "flips":
        return v2.Compose([v2.RandomHorizontalFlip(), v2.RandomVerticalFlip()])
    if name == "none":
        return v2.Identity()
    raise ValueError(f"there is no augmentation {name!r}: choose from {', '.join(AUGMENTATIONS)}")


def augmented(data: Dataset, name: str, ground: float = PAPER) -> Dataset:
    """``data`` with the augmentation of that name; for ``"none"`` ``data`` itself."""
    transform = augmentation(name, ground)
    return data if name == "none" else Augmented(data, transform)
