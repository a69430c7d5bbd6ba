"""The receptive-field explorer: how many blocks, with or without dilation, and what the network then spells."""

from __future__ import annotations

import html
from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Any

from torch import Tensor

from ftlessons.classroom.bench import image, live, still
from ftlessons.classroom.display import as_table, emit
from ftlessons.lesson13 import receptive_field
from ftlib.models import WaveNet
from ftlib.plots import Picture
from ftlib.speech import clips, ctc

SHOWN = ((1, True), (2, True), (4, True), (8, True), (12, True), (12, False))  # blocks and whether dilated


def reach_explorer(model: WaveNet, wave: Tensor, said: str) -> None:
    """Show a slider for the blocks and a box for the dilation; each choice is spelled by the real network.

    Where widgets do not run, a table of six choices and the tree of four blocks stand instead.

    Args:
        wave: (samples,) at 8 kHz.
        said: the true text.
    """
    spell = lru_cache(maxsize=None)(partial(_spelled, model, wave))
    rows = [_row(blocks, dilated, spell, said) for blocks, dilated in SHOWN]
    shown = still(tree(4, True), before=_table(rows))
    shown["plain"] = "\n".join(" | ".join(row) for row in rows) + f"\n{shown['plain']}"
    emit(**shown, widget=partial(explorer_widget, spell, said))


def tree(blocks: int, dilated: bool) -> Picture:
    """Which frames the frame at the top can see."""
    kind = "with dilations 1, 2, 4, 8" if dilated else "without dilation"
    return receptive_field.tree(receptive_field.dilations(blocks, dilated), f"{_count(blocks)} {kind}")


def explorer_widget(spell: Any, said: str) -> Any:
    """The slider, the box, the answer and the tree as one ipywidgets box."""
    import ipywidgets as widgets

    from ftlessons.classroom.widgets import paragraph, say

    style = {"description_width": "80px"}
    blocks = widgets.IntSlider(
        value=4, min=1, max=receptive_field.BLOCKS, description="Blocks", continuous_update=False, style=style
    )
    dilated = widgets.Checkbox(value=True, description="Dilations 1, 2, 4, 8 in turn", indent=False)
    answer, picture = paragraph(""), widgets.HTML()

    def update() -> None:
        say(answer, _table([_row(blocks.value, dilated.value, spell, said)]))
        picture.value = image(tree(blocks.value, dilated.value))

    live((blocks, dilated), update)
    heading = paragraph(f"<strong>How far can it hear?</strong> What was said: {html.escape(said)}")
    knobs = widgets.HBox([blocks, dilated], layout=widgets.Layout(flex_flow="row wrap"))
    return widgets.VBox([heading, knobs, answer, picture]).add_class("ftlib-reach")


def _spelled(model: WaveNet, wave: Tensor, blocks: int, dilated: bool) -> str:
    with clips.spelling(model):
        span = receptive_field.reach(receptive_field.dilations(blocks, dilated))
        return receptive_field.spelled_within(model, wave, span)


def _row(blocks: int, dilated: bool, spell: Any, said: str) -> tuple[str, ...]:
    text = spell(blocks, dilated)
    sees = receptive_field.milliseconds(receptive_field.reach(receptive_field.dilations(blocks, dilated)))
    errors = ctc.character_error_rate([said], [text])
    return _count(blocks), "yes" if dilated else "no", f"{sees:,.0f} ms", text or "(nothing)", f"{errors:.0%}"


def _count(blocks: int) -> str:
    return f"{blocks} block{'s' * (blocks > 1)}"


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    names = ("reach of", "dilated", "one frame sees", "the network then spells", "wrong characters")
    return as_table(names, [[html.escape(cell) for cell in row] for row in rows], left=range(len(names)))
