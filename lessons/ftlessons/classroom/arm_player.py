"""Watch the arm: episodes as an animation with controls, and as filmstrips where widgets do not run."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from ftlessons.classroom.display import emit

if TYPE_CHECKING:
    from ftlib.robot.arm import Arm
    from ftlib.robot.rollouts import Episode

EVERY = 2  # steps from one picture to the next
INTERVAL_MS = 100


def watch(arm: Arm, episodes: Sequence[Episode], title: str, captions: Sequence[str] = ()) -> None:
    """Show episodes side by side: play, pause and step through them; the saved notebook holds filmstrips.

    Args:
        arm: an arm of the skill and world in which the episodes were run.
        captions: one an episode; by default the seed at which it starts.
    """
    from ftlib.robot import views

    captions = list(captions) or [f"start {episode.seed}" for episode in episodes]
    strip = views.filmstrip(arm, episodes, captions, title)
    shown = strip._repr_mimebundle_()
    live = partial(player, arm, episodes, title, captions)
    emit(shown["text/plain"], widget=live, **{"text/html": shown["text/html"]})


def player(arm: Arm, episodes: Sequence[Episode], title: str, captions: Sequence[str]) -> Any:
    """The animation with its controls as one ipywidgets box, the episodes beside each other."""
    import ipywidgets as widgets
    import numpy as np

    from ftlib.robot import views

    steps = list(range(0, len(episodes[0].done) + 1, EVERY))
    beside = np.concatenate([views.frames(arm, episode, steps) for episode in episodes], axis=2)
    alt = f"{title}: {', '.join(captions)}. The line below says how far each is from its goal."
    pictures = [_picture(frame, alt, wide=(480, 720)[len(episodes) > 1]) for frame in beside]
    picture = widgets.HTML(pictures[0])  # an Image widget has no place for alt text
    caption = widgets.HTML(_caption(episodes, captions, 0))
    play = widgets.Play(min=0, max=len(steps) - 1, interval=INTERVAL_MS, description="Play")
    slider = widgets.IntSlider(min=0, max=len(steps) - 1, description="Picture", readout=False)

    def turn_to(change: Any) -> None:
        picture.value = pictures[change["new"]]
        caption.value = _caption(episodes, captions, steps[change["new"]])

    slider.observe(turn_to, names="value")
    link = widgets.jslink((play, "value"), (slider, "value"))
    box = widgets.VBox([widgets.HTML(f"<b>{title}</b>"), picture, widgets.HBox([play, slider]), caption])
    box.link = link  # lives as long as the box
    return box.add_class("ftlib-arm")


def _caption(episodes: Sequence[Episode], captions: Sequence[str], step: int) -> str:
    said = [f"{name}: {episode.distance[step] * 100:.0f} cm from the goal"
            for name, episode in zip(captions, episodes, strict=True)]  # fmt: skip
    return f"{step / 25:.2f} s. " + "; ".join(said)


def _picture(frame: Any, alt: str, wide: int) -> str:
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(frame).save(out, format="png")
    data, style = base64.b64encode(out.getvalue()).decode(), f"max-width: {wide}px; width: 100%"
    return f'<img alt="{html.escape(alt)}" style="{style}" src="data:image/png;base64,{data}">'
