from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import ipywidgets
import pytest
from matplotlib.figure import Figure

from ftlessons import lesson, predict
from ftlessons.classroom import storage
from ftlessons.classroom.display import WIDGET_MIME
from ftlessons.classroom.predictions import Prediction
from ftlessons.classroom.source import CourseDataError
from ftlessons.classroom.storage import Ledger, write_json
from ftlessons.classroom.widgets import prediction_widget

ASK = ("03-head", "How accurate is the head with one label per class?", 0.0, 1.0, "accuracy")
LEDGER = Path(".ftlib/ledger.json")


def test_the_fallback_asks_for_a_guess_and_leaves_nothing_behind(shown):
    guess = predict(*ASK)
    (bundle,) = shown
    assert bundle["text/plain"].startswith("Guess before you run the next cell: How accurate")
    assert "(from 0 to 1 accuracy)" in bundle["text/html"] and WIDGET_MIME in bundle
    assert guess.value is None and not LEDGER.parent.exists()


def test_a_locked_guess_is_kept_and_comes_back(shown):
    lesson("03")
    predict(*ASK).lock(0.6, 80)
    (entry,) = json.loads(LEDGER.read_text())["predictions"]
    asked = {"id": "03-head", "lesson": "03", "question": ASK[1], "unit": "accuracy"}
    assert entry == asked | {"value": 0.6, "confidence": 80}
    back = predict(*ASK)
    assert (back.value, back.confidence) == (0.6, 80)
    back.lock(0.9, 50)
    assert back.value == 0.6, "a locked guess stays"


def test_guessing_again_keeps_the_old_guess(shown):
    predict(*ASK).lock(0.6, 80)
    again = predict(*ASK, again=True)
    assert again.value is None
    again.lock(0.9, 100)
    assert [e["value"] for e in json.loads(LEDGER.read_text())["predictions"]] == [0.6, 0.9]
    assert predict(*ASK).value == 0.9


def test_a_stored_guess_outside_the_range_is_not_taken(shown):
    predict("03-s", "How long?", 0, 100, "s").lock(90, 60)
    assert predict("03-s", "How long?", 0, 10, "s").value is None


def test_an_authors_guess_never_reaches_a_recorded_run(shown, strict, monkeypatch):
    monkeypatch.delenv("FTLIB_STRICT")
    predict(*ASK).lock(0.6, 80)
    before = LEDGER.read_text()
    monkeypatch.setenv("FTLIB_STRICT", "1")
    guess = predict(*ASK)
    assert guess.value is None
    guess.lock(0.7, 80)
    assert guess.value == 0.7 and LEDGER.read_text() == before


def test_the_button_locks_what_the_sliders_say():
    guess = Prediction("03-head", "How accurate?", "accuracy")
    _, slider, sure, button, status = prediction_widget(guess, 0.0, 1.0, 0.01).children
    assert "lock your guess before" in status.value
    slider.value, sure.value = 0.37, 90
    button.click()
    assert (guess.value, guess.confidence) == (0.37, 90)
    assert slider.disabled and sure.disabled and button.disabled
    assert "Locked: 0.37 accuracy, 90 % sure." in status.value
    assert json.loads(LEDGER.read_text())["predictions"][0]["value"] == 0.37


def test_a_recalled_guess_is_shown_locked_and_sliders_suit_the_step():
    guess = Prediction("03-t", "How long?", "s")
    guess.lock(250, 70)
    _, slider, sure, button, _ = prediction_widget(guess, 0, 1000, 10).children
    assert slider.value == 250 and slider.readout_format == ".0f" and button.disabled
    assert isinstance(sure, ipywidgets.IntSlider) and (sure.min, sure.max) == (50, 100)


def test_the_guess_is_drawn_as_a_dashed_line_with_its_label():
    ax = Figure().add_subplot()
    guess = Prediction("03-head", "How accurate?", "accuracy")
    guess.draw(ax)
    guess.reveal(ax, 1, 0.88)
    assert not ax.lines and not ax.texts, "no guess, nothing drawn"
    guess.lock(0.6, 80)
    guess.draw(ax)
    (line,), (label,) = ax.lines, ax.texts
    assert line.get_linestyle() == "--" and list(line.get_ydata()) == [0.6, 0.6]
    assert label.get_text() == "your guess: 0.6 accuracy"


def test_revealing_joins_the_guess_to_the_measured_point():
    ax = Figure().add_subplot()
    guess = Prediction("03-head", "How accurate?")
    guess.lock(0.6, 80)
    guess.reveal(ax, 5, 0.88)
    assert ax.texts[0].get_text() == "your guess: 0.6, 0.28 off"
    assert any(
        list(line.get_xdata()) == [5, 5] and list(line.get_ydata()) == [0.6, 0.88] for line in ax.lines
    )


@pytest.mark.parametrize(
    "arguments",
    [("", "q", 0, 1), ("a", "", 0, 1), ("a", "q", 1, 0), ("a", "q", 0, float("inf")), ("a", "q", 1, 1)],
)
def test_a_senseless_question_is_refused(arguments):
    with pytest.raises(CourseDataError, match=r"predict\("):
        predict(*arguments)
    with pytest.raises(CourseDataError, match="step=2"):
        predict("a", "q", 0, 1, step=2)


@pytest.mark.parametrize(("value", "sure"), [(float("nan"), 80), (0.5, 49), (0.5, 101)])
def test_a_senseless_guess_is_refused(value, sure):
    with pytest.raises(ValueError, match="Prediction 'a'"):
        Prediction("a", "q").lock(value, sure)
    assert not LEDGER.exists()


@pytest.mark.parametrize("content", ["{half", "[]", '{"predictions": 3}', '{"predictions": [3]}', "\xff"])
def test_an_unreadable_ledger_is_set_aside_not_lost(capsys, content):
    LEDGER.parent.mkdir()
    for number in (1, 2):
        LEDGER.write_bytes(content.encode("latin-1"))
        Ledger().append("predictions", {"id": "a", "value": number})
        aside = LEDGER.with_name(f"ledger.unreadable-{number}.json")
        assert aside.read_bytes() == content.encode("latin-1")
        assert f"kept as {aside.name}" in capsys.readouterr().out
    assert Ledger().latest("predictions", "a") == {"id": "a", "value": 2}


def test_a_guess_that_cannot_be_saved_holds_until_the_restart(shown, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ftlessons.classroom.storage.write_json", full)
    guess = predict(*ASK)
    guess.lock(0.6, 80)
    assert guess.value == 0.6 and "No space left on device" in guess.status()


def test_a_ledger_that_may_not_be_read_is_left_alone(shown):
    LEDGER.mkdir(parents=True)
    guess = predict(*ASK)
    guess.lock(0.6, 80)
    assert guess.value == 0.6 and "could not be saved" in guess.status() and LEDGER.is_dir()


def test_json_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "new" / "a.json"
    write_json(path, {"a": "é"})
    assert json.loads(path.read_text(encoding="utf-8")) == {"a": "é"}
    with pytest.raises(TypeError):
        write_json(path, {"a": "é", "b": object()})
    assert json.loads(path.read_text(encoding="utf-8")) == {"a": "é"}
    assert [p.name for p in path.parent.iterdir()] == ["a.json"]


WRITER = """
import pathlib, sys
from ftlessons.classroom import records
from ftlessons.classroom.storage import Ledger
ledger = Ledger(pathlib.Path(sys.argv[1]))
for i in range(100):
    ledger.append("predictions", {"id": sys.argv[2] + str(i)})
    records.keep_first("quizzes", {"id": i, "by": sys.argv[2]}, ("id",), ledger)
"""


def test_kernels_that_write_at_once_lose_nothing(tmp_path):
    path = tmp_path / "led" / "ledger.json"
    environment = {name: value for name, value in os.environ.items() if name not in ("CI", "FTLIB_STRICT")}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    started = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), name], env=environment) for name in "abc"]
    assert [process.wait(timeout=120) for process in started] == [0, 0, 0]
    kept = json.loads(path.read_text(encoding="utf-8"))
    assert len({entry["id"] for entry in kept["predictions"]}) == len(kept["predictions"]) == 300
    assert [entry["id"] for entry in kept["quizzes"]].count(7) == 1 and len(kept["quizzes"]) == 100
    assert not list(path.parent.glob("*.unreadable-*"))


def test_a_kernel_that_holds_the_ledger_for_too_long_stops_no_lesson(tmp_path, monkeypatch):
    from filelock import FileLock

    from ftlessons.classroom import records

    monkeypatch.setattr(storage, "PATIENCE", 0.1)
    monkeypatch.setattr(storage.runtime, "strict", lambda: False)
    path = tmp_path / "ledger.json"
    with FileLock(path.with_suffix(".lock")):
        assert "could not be saved" in records.keep_first("quizzes", {"id": "a"}, ("id",), storage.Ledger(path))
    assert records.keep_first("quizzes", {"id": "a"}, ("id",), storage.Ledger(path)) == ""
