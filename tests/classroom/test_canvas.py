"""The drawing pad: strokes become drawings, drawings become an alphabet, and nothing is lost on the way."""

from __future__ import annotations

import pytest

from ftlessons.lesson03 import canvas, secret
from ftlessons.lesson03.canvas import Pad, drawing_pad


def draw(pad: Pad, at: float = 50.0) -> None:
    pad.begin(at, 20)
    pad.move(at, 120)
    pad.move(at + 10, 180)
    pad.end()


def test_drawings_are_collected_sign_by_sign():
    pad = Pad(["a", "b"], each=2, hand="Ada")
    assert pad.empty and pad.next_sign == "a" and "Draw `a`, number 1 of 2" in pad.status()
    for _ in range(4):
        draw(pad)
        assert pad.keep()
    assert pad.next_sign is None and pad.status().startswith("Done: 2 drawings of each sign")
    found = pad.alphabet()
    assert found.hand == "Ada" and found.labels == ["a", "a", "b", "b"]
    assert found.drawings["a"][0] == [[(50, 20), (50, 120), (60, 180)]]
    draw(pad)
    assert not pad.keep() and len(pad.alphabet().labels) == 4


def test_an_empty_canvas_is_not_kept_and_undo_goes_back_step_by_step():
    pad = Pad(["a", "b"], each=2)
    assert not pad.keep() and pad.empty
    draw(pad)
    pad.keep()
    draw(pad)
    pad.undo()
    assert not pad.strokes and len(pad.kept["a"]) == 1
    pad.undo()
    assert pad.empty
    pad.undo()


def test_the_pen_draws_only_while_it_is_down_and_stays_on_the_canvas():
    pad = Pad(["a", "b"])
    pad.move(5, 5)
    pad.begin(-3, 10)
    pad.move(900, 10)
    pad.end()
    pad.move(7, 7)
    pad.begin(1, 1)
    assert pad.strokes == [[(0, 10), (secret.SIDE, 10)], [(1, 1)]]


def test_without_drawings_the_example_stands_in_and_nothing_is_saved(tmp_path, capsys):
    pad = Pad(["a", "b"])
    assert pad.alphabet().hand == "Ada" and pad.save(tmp_path) is None and not list(tmp_path.rglob("*.json"))
    said = capsys.readouterr().out
    assert "no drawing yet, so these are the example drawings by **Ada**" in said and "Nothing is saved" in said


def test_a_half_drawn_alphabet_is_refused_by_name():
    pad = Pad(["a", "b"], each=2)
    draw(pad)
    pad.keep()
    with pytest.raises(ValueError, match="at least twice first: a, b is still missing"):
        pad.alphabet()


def test_what_is_drawn_can_be_saved_and_read(tmp_path, capsys):
    pad = Pad(["a", "b"], each=2, hand="Zoë")
    for _ in range(4):
        draw(pad)
        pad.keep()
    path = pad.save(tmp_path)
    assert secret.read(path).drawings == pad.alphabet().drawings
    assert f"Saved as `{path.name}`" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"signs": ["a"]}, "there are 1 signs: invent 2 to 20"),
        ({"signs": ["a", " a "]}, "a name of its own"),
        ({"signs": ["a", ""]}, "a name of its own"),
        ({"signs": ["a", "b"], "hand": " "}, "and yourself one"),
        ({"signs": ["a", "b"], "each": 1}, "each is 1: draw every sign at least twice"),
    ],
)
def test_a_pad_needs_names_and_two_drawings(arguments, message):
    with pytest.raises(ValueError, match=message):
        drawing_pad(**arguments)


def test_outside_a_notebook_the_example_is_described(capsys):
    drawing_pad(["a", "b"])
    assert "[figure] Example drawings by a program, 25 drawings by Ada" in capsys.readouterr().out


def test_a_live_pad_reports_what_the_mouse_does():
    pytest.importorskip("ipycanvas")
    pad = Pad(["a<b", "c"], each=2)
    box = pad.widget()
    text, pane, buttons = box.children[0].children
    pane._mouse_down_callbacks(50, 20)
    pane._mouse_move_callbacks(60, 90)
    pane._mouse_out_callbacks(0, 0)
    pane._mouse_move_callbacks(90, 90)
    pane._touch_start_callbacks([(10, 10)])
    pane._touch_move_callbacks([(20, 20)])
    pane._touch_end_callbacks([])
    assert pad.strokes == [[(50, 20), (60, 90)], [(10, 10), (20, 20)]]
    keep, undo = buttons.children
    keep.click()
    assert len(pad.kept["a<b"]) == 1 and "number 2 of 2" in text.value
    board = box.children[1]
    assert board.value.count("<polyline") == 2 and "a&lt;b" in board.value
    keep.click()
    assert "The canvas is empty" in text.value and len(pad.kept["a<b"]) == 1
    undo.click()
    assert pad.empty and "<polyline" not in box.children[1].value


def test_without_ipycanvas_the_pad_says_so_by_raising_import_error(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "ipycanvas", None)
    with pytest.raises(ImportError):
        Pad(["a", "b"]).widget()  # emit() then leaves the example standing
    assert canvas.example_picture().alt.startswith("Example drawings")
