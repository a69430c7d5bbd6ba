"""The play button and the receptive-field explorer: live, and where widgets or sound do not run."""

from __future__ import annotations

import base64
import io
import math
import re

import ipywidgets
import pytest
import soundfile
import torch

from ftlessons import listen
from ftlessons.classroom.display import WIDGET_MIME
from ftlessons.classroom.listen import player
from ftlessons.lesson13 import explorer
from ftlessons.lesson13.explorer import reach_explorer
from ftlib.models import WaveNet

WAVE = 0.3 * torch.sin(torch.arange(8000) * 2 * math.pi * 440 / 8000)


def sound_in(html: str) -> tuple[str, bytes]:
    kind, data = re.search(r'src="data:(audio/\w+);base64,([^"]+)"', html).groups()
    return kind, base64.b64decode(data)


def test_the_button_holds_the_sound_and_no_widget(shown):
    listen(WAVE, "A tone", "Said: `la` & so on.")
    html = shown[0]["text/html"]
    assert WIDGET_MIME not in shown[0]
    kind, data = sound_in(html)
    samples, rate = soundfile.read(io.BytesIO(data))
    assert rate == 8000 and abs(len(samples) - 8000) < 2500  # MP3 pads
    assert abs(samples[2000:6000].std() - WAVE.std().item()) < 0.03
    assert "<code>la</code> &amp; so on." in html and 'alt="A tone. A log-mel picture of 1.0 seconds' in html
    assert "[sound] A tone" in shown[0]["text/plain"]
    assert len(html) < 40_000


def test_the_same_sound_is_saved_the_same_way_and_small():
    assert player(WAVE, "x") == player(WAVE, "x")
    assert len(player(WAVE, "x")) < 8_000
    assert 'aria-label="a &quot;b&quot;"' in player(WAVE, 'a "b"')


def test_without_mp3_it_is_wav(monkeypatch):
    monkeypatch.setattr(soundfile, "available_formats", lambda: {"WAV": "WAV"})
    kind, data = sound_in(player(2 * WAVE, "loud"))
    samples, rate = soundfile.read(io.BytesIO(data))
    assert (kind, rate, len(samples)) == ("audio/wav", 8000, 8000)
    assert abs(samples).max() <= 1


def test_outside_a_notebook_it_is_told_in_words(capsys):
    listen(WAVE, "A tone", "Said: la.")
    assert "[sound] A tone\nSaid: la.\n[figure] A tone." in capsys.readouterr().out


@pytest.fixture
def network() -> WaveNet:
    torch.manual_seed(0)
    return WaveNet(channels=8, stacks=3).eval()


def test_the_explorer_leaves_a_table_and_a_tree(network, shown):
    reach_explorer(network, WAVE, "la & la")
    html, plain = shown[0]["text/html"], shown[0]["text/plain"]
    assert html.count("<tr>") == 1 + len(explorer.SHOWN) and "<img alt=" in html
    for sees in ("112 ms", "812 ms", "2,312 ms", "662 ms"):
        assert sees in html and sees in plain
    assert WIDGET_MIME in shown[0]


def test_the_slider_and_the_box_change_text_and_tree():
    asked = []

    def spell(blocks, dilated):
        asked.append((blocks, dilated))
        return f"heard {blocks} <b>"

    box = explorer.explorer_widget(spell, "said & done")
    heading, knobs, answer, picture = box.children
    blocks, dilated = knobs.children
    assert isinstance(blocks, ipywidgets.IntSlider) and "said &amp; done" in heading.value
    first = picture.value
    blocks.value = 6
    assert "heard 6 &lt;b&gt;" in answer.value and "6 blocks" in answer.value and picture.value != first
    dilated.value = False
    assert asked == [(4, True), (6, True), (6, False)]
    assert "362 ms" in answer.value and "6 blocks without dilation" in picture.value
