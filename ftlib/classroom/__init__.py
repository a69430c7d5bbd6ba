"""What a lesson calls: guesses, checks, quizzes and claims. Light to import (no torch, no widgets)."""

from __future__ import annotations

from ftlib.classroom.alike import neighbour_explorer
from ftlib.classroom.arm_bench import imitation_bench
from ftlib.classroom.arm_player import watch
from ftlib.classroom.bench_widget import bench
from ftlib.classroom.boundary import boundary_bench
from ftlib.classroom.cards import card
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
from ftlib.classroom.threshold import threshold_bench

__all__ = [
    "bench", "boundary_bench", "calibration", "card", "check", "claim", "freeze_explorer", "imitation_bench",
    "lesson", "my_path", "neighbour_explorer", "predict", "progress", "quiz", "reflect", "show", "term",
    "threshold_bench", "watch",
]  # fmt: skip
