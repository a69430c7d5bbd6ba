"""What a lesson calls, whatever it is about: guesses, checks, quizzes and claims. Light to import (no torch).

What one lesson needs beyond that stands in its own folder, ``ftlessons.lesson03`` for lesson 03.
"""

from __future__ import annotations

from ftlessons.classroom.arm_player import watch
from ftlessons.classroom.cards import card
from ftlessons.classroom.checks import check
from ftlessons.classroom.claims import claim
from ftlessons.classroom.glossary import term
from ftlessons.classroom.listen import listen
from ftlessons.classroom.predictions import predict
from ftlessons.classroom.quizzes import quiz
from ftlessons.classroom.reflection import reflect
from ftlessons.classroom.reports import calibration, progress
from ftlessons.classroom.session import lesson, show

__all__ = [
    "calibration", "card", "check", "claim", "lesson", "listen", "predict", "progress", "quiz", "reflect", "show",
    "term", "watch",
]  # fmt: skip
