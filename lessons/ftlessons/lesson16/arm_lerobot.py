"""The way to real robots' data: write demonstrations as a LeRobot data set, where lerobot is installed."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from ftlib.robot.demonstrations import Demonstrations

FPS = 25


def installed() -> bool:
    """Whether lerobot can be imported here. It is no dependency: its torch and the course's may exclude each other."""
    return find_spec("lerobot") is not None


def save(demos: Demonstrations, folder: str | Path, task: str = "pick and place") -> Path:
    """Write demonstrations in LeRobot's format (Cadene et al. 2024), with the calls of lerobot 0.4.

    https://github.com/huggingface/lerobot

    Args:
        folder: a new folder.
        task: what the arm was told to do, in words.

    Raises:
        ImportError: lerobot is not installed.
    """
    if not installed():
        raise ImportError("lerobot is not installed: install it in an environment of its own, and save there")
    from lerobot.datasets.lerobot_dataset import LeRobotDataset

    features = {
        "observation.state": {"dtype": "float32", "shape": demos.seen.shape[2:], "names": None},
        "action": {"dtype": "float32", "shape": demos.done.shape[2:], "names": None},
    }
    data = LeRobotDataset.create("course/arm", fps=FPS, features=features, root=folder, use_videos=False)
    for seen, done in zip(demos.seen, demos.done, strict=True):
        for state, action in zip(seen, done, strict=True):
            data.add_frame({"observation.state": state, "action": action, "task": task})
        data.save_episode()
    data.finalize()
    return Path(folder)
