"""EfficientNet-Lite0 of torchvision's own blocks. ``ftlib.export`` puts a copy of this file beside a saved model."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn
from torchvision.models.efficientnet import EfficientNet, MBConv, MBConvConfig

MEAN, STD = 0.498, 0.502  # of all three colours, as in its training: (byte - 127) / 128
# expand ratio, kernel, stride, input channels, output channels, layers
STAGES = (
    (1, 3, 1, 32, 16, 1), (6, 3, 2, 16, 24, 2), (6, 5, 2, 24, 40, 2), (6, 3, 2, 40, 80, 3), (6, 5, 1, 80, 112, 3),
    (6, 5, 2, 112, 192, 4), (6, 3, 1, 192, 320, 1),
)  # fmt: skip


class SameConv(nn.Conv2d):
    """A convolution with TensorFlow's padding, which puts the odd pixel at the end; the weights expect it."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, H, W) to (N, out, ceil(H / stride), ceil(W / stride))."""
        kernel, stride = self.kernel_size[0], self.stride[0]
        h, w = (max((-(-side // stride) - 1) * stride + kernel - side, 0) for side in x.shape[-2:])
        x = nn.functional.pad(x, [w // 2, w - w // 2, h // 2, h - h // 2])
        return nn.functional.conv2d(x, self.weight, None, self.stride, 0, 1, self.groups)


def lite0(num_classes: int = 1000) -> EfficientNet:
    """Build an untrained EfficientNet-Lite0: 4.65 million parameters with its 1,000 classes.

    EfficientNet (Tan & Le 2019, https://arxiv.org/abs/1905.11946) without squeeze-and-excitation and with ReLU6, as
    https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite describes it.

    >>> from ftlib.adapt import stages
    >>> list(stages(lite0(10)))
    ['stem', 'block1', 'block2', 'block3', 'block4', 'block5', 'head']
    """
    block = partial(MBConv, se_layer=lambda *_, **__: nn.Identity())
    model = EfficientNet(
        [MBConvConfig(*stage, block=block) for stage in STAGES], dropout=0.2, last_channel=1280,
        num_classes=num_classes, norm_layer=partial(nn.BatchNorm2d, eps=1e-3, momentum=0.01),
    )  # fmt: skip
    for module in list(model.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.SiLU):
                setattr(module, name, nn.ReLU6(inplace=True))
            elif isinstance(child, nn.Conv2d) and child.stride == (2, 2):
                child.__class__ = SameConv
    return model


def to_input(pixels: Tensor) -> Tensor:
    """What the network reads of RGB pixels (..., 3, H, W) from 0 to 255: the range of its own training."""
    return (pixels.float() / 255 - MEAN) / STD


def in_order(source: dict[str, Tensor], model: nn.Module) -> nn.Module:
    """Give a network the tensors of a file that names them otherwise but lists them in the same order.

    Raises:
        ValueError: number or shapes differ.
    """
    wanted = model.state_dict()
    shapes = [[tuple(x.shape) for x in state.values()] for state in (source, wanted)]
    if shapes[0] != shapes[1]:
        raise ValueError("the file does not hold the tensors of this network, in its order")
    model.load_state_dict(dict(zip(wanted, source.values(), strict=True)))
    return model


def load(path: str) -> EfficientNet:
    """The network with the weights of a ``.pth`` file, in evaluation mode."""
    return in_order(torch.load(path, weights_only=True, map_location="cpu"), lite0()).eval()
