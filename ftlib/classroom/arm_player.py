"""Watch the arm: an episode as an animation with controls, and as a filmstrip where widgets do not run."""

from __future__ import annotations

import io
from functools import partial
from typing import TYPE_CHECKING, Any

from ftlib.classroom.display import emit

if TYPE_CHECKING:
    from ftlib.tasks.arm import Arm
    from ftlib.tasks.arm_rollouts import Episode

EVERY = 2  # steps from one picture to the next
INTERVAL_MS = 100


def watch(arm: Arm, episode: Episode, title: str) -> None:
    """Show an episode: play, pause and step through it; the saved notebook holds a filmstrip.

    Args:
        arm: an arm of the skill and world in which the episode was run.
    """
    from ftlib.tasks import arm_views

    strip = arm_views.filmstrip(arm, [episode], [f"start {episode.seed}"], title)
    shown = strip._repr_mimebundle_()
    emit(shown["text/plain"], widget=partial(player, arm, episode, title), **{"text/html": shown["text/html"]})


def player(arm: Arm, episode: Episode, title: str) -> Any:
    """The animation with its controls as one ipywidgets box."""
    import ipywidgets as widgets

    from ftlib.tasks import arm_views

    steps = list(range(0, len(episode.done) + 1, EVERY))
    pictures = [_png(frame) for frame in arm_views.frames(arm, episode, steps)]
    picture = widgets.Image(value=pictures[0], format="png", width=2 * arm_views.WIDTH)
    caption = widgets.HTML(_caption(episode, 0))
    play = widgets.Play(min=0, max=len(steps) - 1, interval=INTERVAL_MS, description="Play")
    slider = widgets.IntSlider(min=0, max=len(steps) - 1, description="Picture", readout=False)

    def turn_to(change: Any) -> None:
        picture.value = pictures[change["new"]]
        caption.value = _caption(episode, steps[change["new"]])

    slider.observe(turn_to, names="value")
    link = widgets.jslink((play, "value"), (slider, "value"))
    box = widgets.VBox([widgets.HTML(f"<b>{title}</b>"), picture, widgets.HBox([play, slider]), caption])
    box.link = link  # lives as long as the box
    return box.add_class("ftlib-arm")


def _caption(episode: Episode, step: int) -> str:
    return f"{step / 25:.2f} s: {episode.distance[step] * 100:.0f} cm from the goal"


def _png(frame: Any) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(frame).save(out, format="png")
    return out.getvalue()
