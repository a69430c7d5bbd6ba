"""Tooling for those who write lessons: run, measure, normalise and check the notebooks.

``python -m ftlib lessons`` is the command (`ftlib.lessons.command`); `ftlib.lessons.rules` holds what
every lesson must keep to. A learner needs none of this.
"""

from ftlib.lessons.command import main

__all__ = ["main"]
