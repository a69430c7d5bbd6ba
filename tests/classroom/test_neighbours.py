"""The neighbour explorer and the cards."""

from __future__ import annotations

import pytest

from ftlessons import card
from ftlessons.lesson02 import neighbours
from ftlib.catalog import CatalogError


def test_the_trained_network_finds_more_neighbours_of_the_same_class():
    trained, random = (neighbours.purity("letters", weights, "layer4") for weights in ("letters", "random"))
    assert trained > 0.9 > 0.7 > random


def test_a_row_shows_the_picture_and_its_neighbours():
    place = neighbours._asked("letters")[0]
    picture = neighbours.draw([("letters", "letters", "layer4", place)], "Rows")
    assert f"of {neighbours.SHOWN} neighbours are of the same class" in picture.alt
    assert len(neighbours.nearest("letters", "letters", "layer4", place)) == neighbours.SHOWN


def test_the_menus_change_the_row_and_the_share():
    start = neighbours.draw([("letters", "random", "layer4", 0)], "First")
    box = neighbours.explorer_widget(start)
    target, weights, stage, place, shown, note = box.children
    assert "First" in shown.value and not note.value
    weights.value = "random"
    stage.value = "pixels"
    assert "then its nearest neighbours" in shown.value and "%" in note.value


def test_a_card_is_shown_with_its_licence_and_one_that_is_not_shipped_is_named(capsys):
    card("glyph-resnet10")
    card("minilm")
    said = capsys.readouterr().out
    assert "Licence CC-BY-4.0, weights 10 MB" in said and "#### What" not in said.split("<summary>")[0]
    assert "<details>" in said and "not shipped with the course" in said
    with pytest.raises(CatalogError):
        card("birds")
