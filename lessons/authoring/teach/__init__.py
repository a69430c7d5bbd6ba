"""The teacher's kit, made from the notebooks: guides, plans, slides, a student and an instructor edition.

``python -m ftlib teach`` is the command (`ftlib.teaching.command`). Learners call `catch_up` alone.
"""

from ftlib.teaching.catching import catch_up

__all__ = ["catch_up"]
