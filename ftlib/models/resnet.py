"""The course's first backbone: torchvision's ResNet with one basic block a stage."""

from __future__ import annotations

from torchvision.models.resnet import BasicBlock, ResNet


def resnet10(num_classes: int = 1000) -> ResNet:
    """Build an untrained ResNet-10: ``conv1, bn1, layer1..layer4, fc`` as in ResNet-18, half as deep.

    He et al. 2016, https://arxiv.org/abs/1512.03385. 4.9 million parameters without the head.

    >>> resnet10(num_classes=10).fc.out_features
    10
    """
    return ResNet(BasicBlock, [1, 1, 1, 1], num_classes=num_classes)
