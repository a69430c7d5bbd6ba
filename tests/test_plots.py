"""Figures show themselves as HTML images, and their alt text says what the data says."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pandas as pd
import pytest
import torch

from ftlib import plots
from ftlib.train import History

ALT = "A line that rises from one to two."


def html_of(picture: plots.Picture) -> str:
    return picture._repr_mimebundle_()["text/html"]


def table(scores: dict[tuple[str, int], list[float]]) -> pd.DataFrame:
    rows = [
        {"recipe": recipe, "budget": budget, "seed": seed, "score": score}
        for (recipe, budget), values in scores.items()
        for seed, score in enumerate(values)
    ]
    same = {"task": "digits", "metric": "accuracy", "budget_unit": "labels per class"}
    return pd.DataFrame(rows).assign(**same, source_score=float("nan"))


RECORDED = table(
    {
        ("head", 1): [0.8, 0.9],
        ("head", 10): [0.96, 0.98],
        ("scratch", 1): [0.4, 0.5],
        ("scratch", 10): [0.9, 0.92],
    }
)


def test_a_picture_is_an_html_image_with_escaped_alt():
    figure, _ = plots.figure("Title", "x", "y")
    bundle = plots.Picture(figure, 'Loss <b> & "rate"\n over the steps of a run')._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/plain"}
    assert bundle["text/plain"] == '[figure] Loss <b> & "rate" over the steps of a run'
    assert 'alt="Loss &lt;b&gt; &amp; &quot;rate&quot; over the steps of a run"' in bundle["text/html"]
    source = re.fullmatch(r'<img [^<>]*src="data:image/png;base64,([^"]+)">', bundle["text/html"])
    assert base64.b64decode(source.group(1)).startswith(b"\x89PNG")


def test_the_same_figure_gives_the_same_bytes():
    def draw() -> str:
        figure, ax = plots.figure("Title", "x", "y")
        ax.plot([1, 2])
        return html_of(plots.Picture(figure, ALT))

    assert draw() == draw()


def test_figure_has_title_and_labels_and_belongs_to_no_window():
    from matplotlib import pyplot

    figure, ax = plots.figure("Rates", "step", "rate")
    assert (figure.get_suptitle(), ax.get_xlabel(), ax.get_ylabel()) == ("Rates", "step", "rate")
    assert not pyplot.get_fignums()
    _, axes = plots.figure("Rates", "step", "rate", columns=3, size=(9, 3))
    assert [ax.get_xlabel() for ax in axes] == ["step"] * 3


def test_history_says_where_loss_and_score_went():
    run = History(loss=[2.5, 1.5, 0.5], lr=[1, 1, 1], seconds_at=[1, 2, 3], scores=[(1, 0.25), (3, 0.75)])
    run.metric = "accuracy"
    picture = run.plot("Head")
    assert "Head: training loss" in picture.alt and "from 2.50 to 0.50 in 3 steps" in picture.alt
    assert "accuracy goes from 0.25 to 0.75" in picture.alt
    loss_ax, score_ax = picture.figure.axes
    assert list(loss_ax.lines[0].get_ydata()) == [2.5, 1.5, 0.5]
    assert list(score_ax.lines[0].get_xdata()) == [1, 3]
    assert score_ax.get_ylabel() == "accuracy"


def test_history_without_scores_has_one_panel_and_does_not_call_a_rise_a_fall():
    picture = plots.history(History(loss=[0.5, 2.0]), "Wrong rate")
    assert len(picture.figure.axes) == 1
    assert "from 0.50 to 2.00" in picture.alt and "falls" not in picture.alt


def test_curves_names_means_and_draws_every_seed():
    picture = plots.curves(RECORDED, "Label budgets")
    assert picture.alt.startswith("Label budgets. Means at 1 and at 10")
    assert "head from 0.85 to 0.97" in picture.alt and "scratch from 0.45 to 0.91" in picture.alt
    assert "open markers" not in picture.alt
    ax = picture.figure.axes[0]
    dots = [y for line in ax.lines if line.get_marker() == "." for y in line.get_ydata()]
    assert sorted(dots) == sorted(RECORDED.score)
    assert ax.get_ylabel() == "accuracy on the test set" and "labels per class" in ax.get_xlabel()
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["head", "scratch"]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["1", "10"]


def test_a_recipe_looks_alike_in_every_figure():
    alone, beside = (plots.curves(RECORDED, "Label budgets", recipes=names).figure.axes[0]
                     for names in (["head"], ["scratch", "head"]))  # fmt: skip
    looks = [ax.get_legend_handles_labels()[0][-1].lines[0] for ax in (alone, beside)]
    assert len({(line.get_color(), line.get_marker()) for line in looks}) == 1


def test_curves_overlays_live_runs_where_the_recorded_ones_stand():
    live = table({("head", 10): [0.955]})
    picture = plots.curves(RECORDED, "Label budgets", recipes=["head"], live=live)
    assert "open markers" in picture.alt and "scratch" not in picture.alt
    marks = [line for line in picture.figure.axes[0].lines if line.get_fillstyle() == "none"]
    assert [list(line.get_ydata()) for line in marks if len(line.get_ydata())] == [[0.955]]
    assert list(marks[0].get_xdata()) == pytest.approx([1.0])


def test_curves_draws_what_needs_no_labels_across():
    picture = plots.curves(RECORDED, "Label budgets", level=("left alone", 0.6))
    assert picture.alt.endswith("A dashed line across, left alone, at 0.60.")
    ax = picture.figure.axes[0]
    across = [line for line in ax.lines if line.get_label() == "left alone"]
    assert [list(line.get_ydata()) for line in across] == [[0.6, 0.6]]
    assert "left alone" in [text.get_text() for text in ax.get_legend().get_texts()]


def test_curves_leaves_out_a_recipe_without_values_in_the_column():
    known = RECORDED.assign(source_score=np.where(RECORDED.recipe == "head", 0.7, np.nan))
    picture = plots.curves(
        known, "Printed letters afterwards", column="source_score", ylabel="accuracy on letters"
    )
    assert "head from 0.70 to 0.70" in picture.alt and "scratch" not in picture.alt
    assert picture.figure.axes[0].get_ylabel() == "accuracy on letters"


def test_depths_has_a_line_for_each_budget():
    picture = plots.depths(RECORDED, "How much to train", order=["head", "scratch"], budgets=[10])
    assert "10 per class from 0.97 to 0.91" in picture.alt and "0.85" not in picture.alt
    ax = picture.figure.axes[0]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["head", "scratch"]
    with pytest.raises(ValueError, match="3"):
        plots.depths(RECORDED, "How much to train", order=["head", "scratch"], budgets=[3])


@pytest.mark.parametrize("shape", [(5, 6, 6), (5, 1, 6, 6), (5, 3, 6, 6)])
def test_images_draws_each_picture_with_its_caption(shape):
    picture = plots.images(
        torch.rand(shape), list("abcde"), "Worst", "Five digits that were misread.", columns=3
    )
    axes = picture.figure.axes
    assert len(axes) == 6 and sum(len(ax.images) for ax in axes) == 5
    assert [ax.get_title() for ax in axes[:5]] == list("abcde")
    assert picture.alt == "Five digits that were misread."


def confusion_table(counts: list[list[int]]) -> pd.DataFrame:
    names = list("abc")[: len(counts)]
    return pd.DataFrame(counts, index=names, columns=names)


def test_confusion_names_the_worst_pair():
    picture = plots.confusion(confusion_table([[5, 1, 0], [3, 4, 0], [0, 0, 7]]), "Letters")
    assert picture.alt == "Letters. 16 of 20 right; most often confused: b taken for a, 3 times."
    ax = picture.figure.axes[0]
    assert sorted(text.get_text() for text in ax.texts) == sorted("51347")
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted class", "true class")


@pytest.mark.parametrize("counts", [[[4, 0], [0, 2]], [[6]]])
def test_confusion_without_a_mistake_says_so(counts):
    assert plots.confusion(confusion_table(counts), "Letters").alt == "Letters. 6 of 6 right; none confused."


def test_bars_names_each_value():
    picture = plots.bars({"head": 1.25, "scratch": 30.0}, "Time", "seconds", unit=" s")
    assert picture.alt == "Time: head 1.25 s; scratch 30 s."
    ax = picture.figure.axes[0]
    assert [bar.get_width() for bar in ax.patches] == [1.25, 30.0]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["head", "scratch"]


def test_reliability_has_a_curve_for_each_group_and_the_diagonal():
    groups = {"model": ([0.9, 0.92, 0.6], [True, False, True]), "you": ([0.7], [False])}
    picture = plots.reliability(groups, "How sure, and how often right")
    ax = picture.figure.axes[0]
    curves = {c.get_label(): c.lines[0].get_xydata().round(2).tolist() for c in ax.containers}
    assert curves == {"model": [[0.6, 1.0], [0.91, 0.5]], "you": [[0.7, 0.0]]}
    assert list(ax.lines[0].get_xdata()) == list(ax.lines[0].get_ydata()) == [0, 1]
    assert "model: 81% sure on average, 67% right, 3 answers; you: 70%" in picture.alt


def test_reliability_joins_only_points_that_many_answers_stand_behind():
    many, few = ([0.65, 0.95] * 10, [True, False] * 10), ([0.65, 0.95], [True, False])
    ax = plots.reliability({"many": many, "few": few}, "How sure, and how often right").figure.axes[0]
    assert [c.lines[0].get_linestyle() for c in ax.containers] == ["-", "None"]


def test_a_photo_keeps_a_small_pink_thing_pink():
    from PIL import Image

    grey = np.random.default_rng(0).integers(60, 200, (200, 200, 1)).repeat(3, 2).astype(np.uint8)
    grey[100:104, 100:104] = (255, 0, 180)
    fig, ax = plots.figure("A small pink thing", "x", "y")
    ax.imshow(grey)
    shown = plots.Picture(fig, "A small pink thing on grey noise", photos=True)._repr_mimebundle_()["text/html"]
    raw = base64.b64decode(re.search(r"base64,([^\"]+)", shown)[1])
    colours = np.asarray(Image.open(io.BytesIO(raw)).convert("RGB")).reshape(-1, 3).astype(int)
    assert (np.abs(colours - (255, 0, 180)).max(1) < 60).any()


def test_what_cannot_be_drawn_or_told_is_refused():
    for alt in ("", " " * 40 + "a plot"):
        with pytest.raises(ValueError, match="too short"):
            plots.Picture(plots.figure("Title", "x", "y")[0], alt)
    blank, title = np.zeros((2, 4, 4)), "A title long enough to be alt text"
    for draw, message in (
        (lambda: plots.history(History()), "no step"),
        (lambda: plots.bars({}, title, "seconds"), "no value"),
        (lambda: plots.reliability({}, title), "at least one group"),
        (lambda: plots.images(blank, [], "Blank", ""), "too short"),
        (lambda: plots.images(blank[:0], [], "Blank", ALT), "no picture"),
        (lambda: plots.images(blank, ["a"], "Blank", ALT), "1 captions for 2"),
        (lambda: plots.curves(RECORDED, title, recipes=["head", "heda"]), "heda"),
        (lambda: plots.curves(RECORDED, title, live=table({("head", 3): [0.9]})), "3"),
    ):
        with pytest.raises(ValueError, match=message):
            draw()
