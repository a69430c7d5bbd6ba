"""What a lesson calls: guesses, checks, quizzes and claims. Light to import (no torch, no widgets)."""

from __future__ import annotations

from ftlessons.classroom.arm_player import watch
from ftlessons.classroom.cards import card
from ftlessons.classroom.checks import check
from ftlessons.classroom.claims import claim
from ftlessons.classroom.glossary import term
from ftlessons.classroom.listen import listen
from ftlessons.classroom.predictions import predict
from ftlessons.classroom.quizzes import quiz
from ftlessons.classroom.read_along import read_along
from ftlessons.classroom.reflection import reflect
from ftlessons.classroom.reports import calibration, progress
from ftlessons.classroom.session import lesson, show
from ftlessons.lesson00.path import my_path
from ftlessons.lesson01.bench import boundary_bench
from ftlessons.lesson02.neighbours import neighbour_explorer
from ftlessons.lesson03.explorer import freeze_explorer
from ftlessons.lesson04.bench import bench
from ftlessons.lesson05.threshold import threshold_bench
from ftlessons.lesson09.bench import alert_bench
from ftlessons.lesson09.labelling import label_desk
from ftlessons.lesson13.explorer import reach_explorer
from ftlessons.lesson14.bench import word_list_bench
from ftlessons.lesson14.dictate import dictate
from ftlessons.lesson15.bench import imitation_bench

__all__ = [
    "alert_bench", "bench", "boundary_bench", "calibration", "card", "check", "claim", "dictate",
    "freeze_explorer", "imitation_bench", "label_desk", "lesson", "listen", "my_path", "neighbour_explorer",
    "predict", "progress", "quiz", "reach_explorer", "read_along", "reflect", "show", "term",
    "threshold_bench", "watch", "word_list_bench",
]  # fmt: skip
