"""The teacher's kit, made from the notebooks: guides, plans, slides, a student and an instructor edition.

``python -m authoring teach`` is the command (`authoring.teach.command`). Learners call `catch_up` alone.
"""

from ftlessons.classroom.catching import catch_up

__all__ = ["catch_up"]
