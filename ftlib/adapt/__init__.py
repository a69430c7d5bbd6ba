"""Surgery on pre-trained networks: freeze, replace the head, set rates, add adapters. Nothing trains here.

Every function takes a plain ``torch.nn.Module`` and knows torchvision's classifiers and transformers'
``...ForSequenceClassification`` models; other networks are split at their top-level children.
"""

from ftlib.adapt.adapters import lora
from ftlib.adapt.anatomy import count, describe, stages
from ftlib.adapt.drift import distance
from ftlib.adapt.freezing import BatchNormMode, Change, freeze, parameter_groups, train_from, train_mode, unfreeze
from ftlib.adapt.heads import features, get_head, replace_head, set_head
from ftlib.adapt.prefix import frozen_once

__all__ = [
    "BatchNormMode", "Change", "count", "describe", "distance", "features", "freeze", "frozen_once", "get_head", "lora",
    "parameter_groups", "replace_head", "set_head", "stages", "train_from", "train_mode", "unfreeze",
]  # fmt: skip
