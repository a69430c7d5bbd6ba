"""The arm's player and the imitation bench: they work live, and leave a figure where widgets do not run."""

from __future__ import annotations

import base64
import io

import pytest

pytest.importorskip("gymnasium_robotics")

import numpy as np
import pandas as pd
from PIL import Image

from ftlessons.classroom import arm_player
from ftlessons.lesson15 import bench
from ftlessons.lesson15.studies import arm_cloning
from ftlib import results
from ftlib.robot import rollouts, views
from ftlib.robot.arm import Arm
from ftlib.robot.experts import EXPERTS


@pytest.fixture
def drawn(monkeypatch):
    monkeypatch.setenv("MUJOCO_GL", "disable")
    views.backend.cache_clear()
    yield
    views.backend.cache_clear()


@pytest.fixture
def reaching(drawn):
    with Arm("reach") as arm:
        yield arm, rollouts.rollout(arm, lambda seen: EXPERTS["reach"](seen)[None], 4)


def size_of(image: str) -> tuple[int, int]:
    data = image.partition("base64,")[2].partition('"')[0]
    return Image.open(io.BytesIO(base64.b64decode(data))).size


def test_the_player_turns_to_another_picture(reaching):
    arm, episode = reaching
    box = arm_player.player(arm, [episode], "Reaching", ["expert"])
    _, picture, controls, caption = box.children
    first, said = picture.value, caption.value
    assert size_of(first) == (views.WIDTH, views.HEIGHT) and 'alt="Reaching' in first
    controls.children[1].value = 25
    assert picture.value != first
    assert said.startswith("0.00 s. expert: ") and caption.value == "2.00 s. expert: 0 cm from the goal"


def test_the_player_shows_two_episodes_beside_each_other(reaching, monkeypatch):
    arm, episode = reaching
    monkeypatch.setattr(arm_player, "EVERY", 50)
    _, picture, _, caption = arm_player.player(arm, [episode, episode], "Reaching", ["a", "b"]).children
    assert size_of(picture.value) == (2 * views.WIDTH, views.HEIGHT)
    assert "a: " in caption.value and "b: " in caption.value


def test_watching_prints_the_alt_text_outside_a_notebook(reaching, capsys):
    arm, episode = reaching
    arm_player.watch(arm, [episode], "Reaching")
    said = capsys.readouterr().out
    assert "[figure] Reaching. Stills of the robot arm" in said and "start 4: ends 0 cm from the goal" in said


@pytest.fixture
def record(monkeypatch):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(arm_cloning.jobs(), columns=["noise", "chunk", "execute", "seed"])
    monkeypatch.setattr(results, "study", lambda name: table.assign(success=rng.random(len(table))))


def test_the_recorded_figure_has_a_line_for_each_noise_and_chunk(record):
    alt = bench.recorded().alt
    assert all(f"{noise}, chunk of {chunk}" in alt for noise in ("no noise", "noise 0.2") for chunk in (1, 8))


def test_the_bench_trains_what_was_chosen_and_keeps_it(record, monkeypatch):
    asked = []

    def trial(noise, chunk, execute, seed, demos, episodes):
        asked.append((noise, chunk, execute, seed, demos, episodes))
        return 0.5

    monkeypatch.setattr(arm_cloning, "trial", trial)
    box = bench.bench_widget(bench.recorded())
    demos, noise, execute, button, board, _ = box.children
    assert "press <b>Train</b>" in board.value
    demos.value, noise.value, execute.value = 10, 0.4, 8
    button.click()
    button.click()
    assert asked == [(0.4, 8, 8, seed, 10, bench.EPISODES) for seed in (0, 1)]
    assert board.value.count("<tr>") == 3 and "0.50" in board.value and not button.disabled
    assert "0.30 to 0.70" in board.value


