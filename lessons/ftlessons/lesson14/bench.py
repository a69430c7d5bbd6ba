"""The word-list bench: how many sentences to take words from, how much they weigh, and whether others are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pandas as pd
from torch import Tensor, nn

from ftlessons.classroom.bench import bench, board, slider, still
from ftlessons.classroom.display import emit
from ftlessons.classroom.read_along import marked, with_terms
from ftlessons.lesson14 import transcripts
from ftlib import plots, recipes
from ftlib.plots import Picture
from ftlib.speech import clips, lexicon
from ftlib.speech.tasks import Dictation

SENTENCES, WEIGHTS, COSTS = (0, 10, 25, 50, 100, 250), (0.0, 0.1, 0.2, 0.4, 0.8), (0.0, 2.0, 4.0, 8.0, 16.0)
DRAWN = (0, 50, 250)  # of these in the figure that stands where widgets do not run
EXAMPLE = 0


@dataclass
class Bench:
    """What the bench needs: the sound, as every network hears it, and the sentences that lists are made of.

    Args:
        task: a field of dictation.
        networks: by name.
        settings: ``weight``, ``bonus`` and ``unknown`` that the rival was tuned to.
    """

    task: Dictation
    networks: Mapping[str, nn.Module]
    settings: Mapping[str, float | None]
    heard: dict[str, list[Tensor]] = field(default_factory=dict)

    def trial(self, network: str, sentences: int, weight: float, unknown: float | None) -> dict[str, Any]:
        """Decode the test set: a row with every measure, ``unlisted`` (share of words said) and ``read``."""
        if network not in self.heard:
            with clips.spelling(self.networks[network]) as model:
                self.heard[network] = clips.scores_of(model, self.task.split("test"))
        data, own = self.task.split("test"), self.task.split("train").column("text")[:sentences]
        words, options = self.task.lexicon(own), dict(self.settings) | {"weight": weight, "unknown": unknown}
        read = [lexicon.beam_search(scores, words, **options) for scores in self.heard[network]]
        table = pd.DataFrame({"said": data.column("text"), "read": read, "terms": data.column("terms")})
        found = transcripts.report(table, self.task.dictionary())
        about = {"network": network, "sentences": sentences, "weight": weight, "unknown": unknown, "read": read}
        return about | found | {"unlisted": words.unknown(data.column("text"))}


def word_list_bench(task: Dictation, networks: Mapping[str, nn.Module]) -> None:
    """Sliders that really decode the test set with another word list, and a board that keeps every try.

    Where widgets do not run, a figure made just now stands instead: errors over the sentences on the list.
    """
    state = Bench(task, networks, recipes.tuned(task)["lexicon"])
    emit(**still(picture(state)), widget=partial(bench_widget, state))


def picture(state: Bench) -> Picture:
    """Words wrong and terms right over the number of sentences whose words are on the list, for each network."""
    tuned = state.settings["weight"], state.settings["unknown"]
    rows = [state.trial(name, n, *tuned) for name in state.networks for n in DRAWN]
    fig, axes = plots.figure("What a list of words is worth", "training sentences on the list", "", 2, (7.4, 3.4))
    said = []
    for ax, (measure, label) in zip(axes, (("wer", "words wrong"), ("terms", "terms right")), strict=True):
        for i, name in enumerate(state.networks):
            values = [row[measure] for row in rows if row["network"] == name]
            style = {"color": plots.COLOURS[i], "marker": plots.MARKERS[i]}
            ax.plot(range(len(DRAWN)), values, label=name, **style)
            said.append(f"{label}, {name}: from {values[0]:.2f} to {values[-1]:.2f}")
        ax.set_xticks(range(len(DRAWN)), DRAWN)
        ax.set_ylim(bottom=0)
        ax.set_ylabel(label)
    axes[0].legend()
    return plots.Picture(fig, f"From 0 to {DRAWN[-1]} sentences on the list. {'; '.join(said)}.")


def bench_widget(state: Bench) -> Any:
    """The sliders, the button and the board as one ipywidgets box."""
    import ipywidgets

    tuned, cost = state.settings["weight"], state.settings["unknown"]
    costs = {cost_name(each): each for each in (*sorted({*COSTS, cost} - {None}), None)}
    controls = [
        ipywidgets.ToggleButtons(options=list(state.networks), description="Network"),
        slider("Sentences on the list", SENTENCES, 0, 190),
        slider("Weight of the words", sorted({*WEIGHTS, tuned}), tuned, 190),
        slider("A word off the list", list(costs), cost_name(cost), 190),
    ]

    def read(network: str, sentences: int, weight: float, unknown: str, _: int) -> dict[str, Any]:
        return state.trial(network, sentences, weight, costs[unknown])

    words = ("Read", "Reading ...", "Decode the test set with this list")
    return bench(controls, read, partial(board_html, state), words=words).add_class("ftlib-word-list")


def cost_name(unknown: float | None) -> str:
    """What happens to a word that is not on the list, in words."""
    return "is never written" if unknown is None else f"costs {unknown:g}"


def board_html(state: Bench, trials: Sequence[Mapping[str, Any]]) -> str:
    """The tries so far as an HTML table, with the last reading of one sentence."""
    names = ("network", "sentences", "weight", "a word off the list", "said, but not on the list", "words wrong",
             "terms right", "wrong, but every word real")  # fmt: skip
    shares = ("unlisted", "wer", "terms", "silent")
    rows = [
        (row["network"], row["sentences"], f"{row['weight']:g}", cost_name(row["unknown"]),
         *(f"{row[share]:.0%}" for share in shares))
        for row in trials
    ]  # fmt: skip
    example = ""
    if trials:
        about, read = state.task.split("test").about[EXAMPLE], trials[-1]["read"][EXAMPLE]
        example = f"<p>said: {with_terms(about['text'], about['terms'])}<br>read: {marked(about['text'], read)}</p>"
    return board(names, rows, "Choose, press <b>Read</b>, and the result appears here.", example)
