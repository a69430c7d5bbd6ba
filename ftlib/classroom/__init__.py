"""What a lesson calls: guesses, checks, quizzes and claims. Light to import (no torch, no widgets)."""

from __future__ import annotations

from ftlib.classroom.checks import check
from ftlib.classroom.claims import claim
from ftlib.classroom.freezing import freeze_explorer
from ftlib.classroom.glossary import term
from ftlib.classroom.path import my_path
from ftlib.classroom.predictions import predict
from ftlib.classroom.quizzes import quiz
from ftlib.classroom.reflection import reflect
from ftlib.classroom.reports import calibration, progress
from ftlib.classroom.session import lesson, show

__all__ = [
    "calibration", "check", "claim", "freeze_explorer", "lesson", "my_path", "predict", "progress", "quiz", "reflect",
    "show", "term",
]  # fmt: skip
