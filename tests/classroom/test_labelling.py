"""The labelling desk keeps the first label of each text, and the alert bench counts and opens the test once."""

from __future__ import annotations

import pytest

from ftlessons.classroom.storage import Ledger
from ftlessons.lesson09 import bench, labelling
from ftlessons.lesson09.labelling import Desk, label_desk

TEXTS = {"n1": "Losses <narrowed>", "n2": "Free tickets", "n3": "The board met"}
CLASSES = ("bad", "good")


@pytest.fixture
def ledger(tmp_path, monkeypatch):
    monkeypatch.delenv("FTLIB_STRICT", raising=False)
    monkeypatch.delenv("CI", raising=False)
    return Ledger(tmp_path / "ledger.json")


def test_labels_are_given_in_order_and_come_back(ledger):
    desk = Desk(TEXTS, CLASSES, "09", ledger)
    assert desk.next_id == "n1" and desk.status().startswith("0 of 3")
    for label in ("good", "bad"):
        desk.answer(label)
    again = Desk(TEXTS, CLASSES, "09", ledger)
    assert again.answers == {"n1": "good", "n2": "bad"} and again.next_id == "n3"
    assert not Desk(TEXTS, CLASSES, "08", ledger).answers
    again.answer("good")
    again.answer("bad")  # nothing is left to label
    assert again.next_id is None and again.status().startswith("Done: all 3") and len(ledger.entries("labels")) == 3


def test_the_first_label_of_a_text_stays(ledger):
    ledger.append("labels", {"id": "09", "text": "n1", "label": "good"})
    ledger.append("labels", {"id": "09", "text": "n1", "label": "bad"})
    ledger.append("labels", {"id": "09", "text": "n2", "label": "no class"})
    assert Desk(TEXTS, CLASSES, "09", ledger).answers == {"n1": "good"}


def test_somebody_else_stands_in_and_is_named(ledger, capsys):
    desk = Desk(TEXTS, CLASSES, "09", ledger)
    other = dict.fromkeys([*TEXTS, "n9"], "bad")
    assert desk.labels(other, "a program") == dict.fromkeys(TEXTS, "bad")
    assert "the labels of **a program** stand in" in capsys.readouterr().out
    desk.answer("good")
    assert desk.labels(other, "a program") == {"n1": "good"}
    assert "You have labelled 1 of 3; 2 are left." in capsys.readouterr().out


def test_a_desk_needs_texts_and_classes_and_knows_its_own(ledger):
    for texts, classes in (({}, CLASSES), (TEXTS, ("one",)), (TEXTS, tuple("abcdefg"))):
        with pytest.raises(ValueError, match="give a text at least, and 2 to 6 classes"):
            label_desk(texts, classes, "09")
    with pytest.raises(ValueError, match="no class 'so so': choose from bad, good"):
        Desk(TEXTS, CLASSES, "09", ledger).answer("so so")


def test_buttons_label_and_the_end_disables_them(ledger):
    desk = Desk(TEXTS, CLASSES, "09", ledger)
    text, buttons, status = desk.widget().children
    assert "Losses &lt;narrowed&gt;" in text.value
    for _ in TEXTS:
        buttons.children[1].click()
    assert desk.answers == dict.fromkeys(TEXTS, "good") and "Done: all 3" in status.value
    assert all(button.disabled for button in buttons.children)


def test_a_disk_that_cannot_be_written_stops_nothing(ledger, monkeypatch):
    monkeypatch.setattr(Ledger, "append", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left")))
    desk = Desk(TEXTS, CLASSES, "09", ledger)
    desk.answer("good")
    assert desk.answers == {"n1": "good"} and "No space left" in desk.trouble


def test_outside_a_notebook_the_texts_stand_as_a_list(capsys):
    desk = label_desk(TEXTS, CLASSES, "09")
    assert "2. Free tickets" in capsys.readouterr().out
    assert "<li>Losses &lt;narrowed&gt;</li>" in desk.as_html() and labelling.SECTION == "labels"


VALIDATION, TEST = ([0.9, 0.6, 0.4, 0.1], [1, 0, 1, 0]), ([0.9, 0.1], [1, 1])


def test_the_alert_bench_prices_mistakes_and_the_test_ends_it():
    cost, cut, board, figure, button, test = bench.alert_widget(VALIDATION, TEST, "Bad news").children
    assert "4 validation texts" in board.value and "<td>11</td>" in board.value  # one miss at 10, one false alarm
    cost.value = 2
    assert "<td>3</td>" in board.value
    before = board.value
    cut.value = "0.20"
    assert board.value != before and "<img alt=" in figure.value and not test.value
    button.click()
    assert "2 test texts" in test.value and all(control.disabled for control in (cost, cut, button))


def test_the_static_bench_is_a_figure(capsys):
    bench.alert_bench(VALIDATION, TEST, "Bad news")
    assert "[figure] Bad news: scores over the threshold" in capsys.readouterr().out
