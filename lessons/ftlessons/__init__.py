"""What a lesson calls: guesses, checks, quizzes and claims. Light to import (no torch, no widgets)."""

from __future__ import annotations

from ftlib.classroom.alerts import alert_bench
from ftlib.classroom.alike import neighbour_explorer
from ftlib.classroom.arm_bench import imitation_bench
from ftlib.classroom.arm_player import watch
from ftlib.classroom.bench_widget import bench
from ftlib.classroom.boundary import boundary_bench
from ftlib.classroom.cards import card
from ftlib.classroom.checks import check
from ftlib.classroom.claims import claim
from ftlib.classroom.dictate import dictate
from ftlib.classroom.freezing import freeze_explorer
from ftlib.classroom.glossary import term
from ftlib.classroom.hearing import reach_explorer
from ftlib.classroom.labelling import label_desk
from ftlib.classroom.listen import listen
from ftlib.classroom.path import my_path
from ftlib.classroom.predictions import predict
from ftlib.classroom.quizzes import quiz
from ftlib.classroom.read_along import read_along
from ftlib.classroom.reflection import reflect
from ftlib.classroom.reports import calibration, progress
from ftlib.classroom.session import lesson, show
from ftlib.classroom.threshold import threshold_bench
from ftlib.classroom.word_list import word_list_bench

__all__ = [
    "alert_bench", "bench", "boundary_bench", "calibration", "card", "check", "claim", "dictate",
    "freeze_explorer", "imitation_bench", "label_desk", "lesson", "listen", "my_path", "neighbour_explorer",
    "predict", "progress", "quiz", "reach_explorer", "read_along", "reflect", "show", "term",
    "threshold_bench", "watch", "word_list_bench",
]  # fmt: skip
