"""The drawing pad of the secret alphabet, on ipycanvas; where that cannot run, example drawings take its place."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ftlessons.classroom.bench import still
from ftlessons.classroom.display import emit, in_ipython, rich
from ftlessons.classroom.session import show
from ftlessons.lesson03 import secret
from ftlessons.lesson03.secret import FEWEST_SIGNS, LONGEST_NAME, MOST_SIGNS, PEN, SIDE, Alphabet, Drawing
from ftlib import catalog, plots, runtime
from ftlib.plots import Picture

EXAMPLE = "signs-of-ada.json"
THUMB = 44  # side of a kept drawing, in pixels


def drawing_pad(signs: Sequence[str], each: int = 5, hand: str = "me") -> Pad:
    """Show a canvas on which to draw each sign ``each`` times, and return what collects the drawings.

    Without ipycanvas or a live notebook the drawings of an example hand stand there instead.

    Args:
        signs: names of 2 to 20 signs that you invent.
        hand: your name, or any other; it goes into the name of the file.

    Raises:
        ValueError: too few or too many signs, a name twice or without letters, or ``each`` below 2.
    """
    pad = Pad(signs, each, hand)
    emit(**still(example_picture()), widget=pad.widget if in_ipython() and not runtime.strict() else None)
    return pad


def example() -> Alphabet:
    """The drawings of an example hand, made by a program."""
    return secret.read(catalog.path("secret", EXAMPLE, verbose=False))


def example_picture() -> Picture:
    """The example hand's drawings, one row a sign."""
    found = example()
    alt = f"Example drawings by a program, {found!r}: five signs made of a stem and one or two branches."
    return plots.images(found.ink(), found.labels, "Example drawings, where nobody can draw", alt, columns=5)


class Pad:
    """Collects drawings: a stroke at a time, a drawing at a time, sign after sign."""

    def __init__(self, signs: Sequence[str], each: int = 5, hand: str = "me") -> None:
        names = [sign.strip() for sign in signs]
        if not FEWEST_SIGNS <= len(names) <= MOST_SIGNS:
            raise ValueError(f"there are {len(names)} signs: invent {FEWEST_SIGNS} to {MOST_SIGNS}")
        if len(set(names)) < len(names) or not all(0 < len(name) <= LONGEST_NAME for name in (*names, hand.strip())):
            raise ValueError(f"give each sign a name of its own, and yourself one, of 1 to {LONGEST_NAME} letters")
        if each < 2:
            raise ValueError(f"each is {each}: draw every sign at least twice")
        self.signs, self.each, self.hand = names, each, hand.strip()
        self.kept: dict[str, list[Drawing]] = {name: [] for name in names}
        self.strokes: Drawing = []
        self.drawing = False

    @property
    def next_sign(self) -> str | None:
        """The sign to draw now, None when all are done."""
        return next((sign for sign in self.signs if len(self.kept[sign]) < self.each), None)

    @property
    def empty(self) -> bool:
        """Whether no drawing has been kept yet."""
        return not any(self.kept.values())

    def begin(self, x: float, y: float) -> None:
        """Set the pen down."""
        self.drawing = True
        self.strokes.append([_inside(x, y)])

    def move(self, x: float, y: float) -> None:
        """Draw on, if the pen is down."""
        if self.drawing:
            self.strokes[-1].append(_inside(x, y))

    def end(self) -> None:
        """Lift the pen."""
        self.drawing = False

    def keep(self) -> bool:
        """Take what is on the canvas as a drawing of the next sign; False if there is nothing to take."""
        sign, self.drawing = self.next_sign, False
        if not self.strokes or sign is None:
            return False
        self.kept[sign].append(self.strokes)
        self.strokes = []
        return True

    def undo(self) -> None:
        """Wipe the canvas; if it is empty, forget the drawing that was kept last."""
        drawn = [sign for sign in self.signs if self.kept[sign]]
        if not self.strokes and drawn:
            self.kept[drawn[-1]].pop()
        self.strokes, self.drawing = [], False

    def alphabet(self) -> Alphabet:
        """Your drawings; the example hand's as long as you have kept none.

        Raises:
            ValueError: some signs are drawn and others are not.
        """
        if self.empty:
            found = example()
            show(f"You have kept no drawing yet, so these are the example drawings by **{found.hand}**.")
            return found
        if missing := [sign for sign in self.signs if len(self.kept[sign]) < 2]:
            raise ValueError(f"draw each sign at least twice first: {', '.join(missing)} is still missing")
        return Alphabet(self.hand, {sign: list(drawings) for sign, drawings in self.kept.items()})

    def save(self, folder: str | Path = ".") -> Path | None:
        """Write your drawings to a small file beside the notebook; what is there stays. None if you drew nothing."""
        if self.empty:
            show("Nothing is saved, because you have kept no drawing yet.")
            return None
        path = secret.save(self.alphabet(), folder)
        show(f"Saved as `{path.name}`. Swap this file with your neighbour.")
        return path

    def status(self) -> str:
        """What to do next, in one sentence."""
        sign = self.next_sign
        if sign is None:
            return f"Done: {self.each} drawings of each sign. Run the next cell."
        return f"Draw `{sign}`, number {len(self.kept[sign]) + 1} of {self.each}, and press Keep."

    def widget(self) -> Any:
        """Canvas, buttons, what to do next, and the drawings that were kept, as one ipywidgets box."""
        import ipywidgets

        from ftlessons.classroom.widgets import paragraph, say

        canvas, wipe = self._canvas()
        text, board = paragraph(rich(self.status())), ipywidgets.HTML(self.board())
        keep = ipywidgets.Button(description="Keep", button_style="primary", tooltip="Take this drawing")
        undo = ipywidgets.Button(description="Undo", tooltip="Wipe the canvas, or forget the last drawing")

        def after(done: bool) -> None:
            wipe()
            board.value = self.board()
            say(text, rich(self.status() if done else f"The canvas is empty. {self.status()}"))

        keep.on_click(lambda _: after(self.keep() or self.next_sign is None))
        undo.on_click(lambda _: (self.undo(), after(True)))
        left = ipywidgets.VBox([text, canvas, ipywidgets.HBox([keep, undo])])
        gap = ipywidgets.Layout(flex_flow="row wrap", grid_gap="24px")
        return ipywidgets.HBox([left, board], layout=gap).add_class("ftlib-pad")

    def board(self) -> str:
        """The kept drawings as HTML, one row a sign."""
        rows = "".join(
            f'<tr><th scope="row">{html.escape(sign)}</th><td>{_thumbnails(sign, drawings)}</td></tr>'
            for sign, drawings in self.kept.items()
        )
        return f'<table style="border-spacing: 8px 2px; line-height: {THUMB}px; min-height: {THUMB}px">{rows}</table>'

    def _canvas(self) -> tuple[Any, Any]:
        """An ipycanvas canvas that reports to this pad, and what wipes it."""
        from ipycanvas import Canvas, hold_canvas

        canvas = Canvas(width=SIDE, height=SIDE)
        canvas.layout.border = "2px solid #7f7f7f"
        canvas.layout.width = canvas.layout.height = f"{SIDE + 4}px"
        canvas.line_width, canvas.line_cap, canvas.line_join = PEN, "round", "round"

        def wipe() -> None:
            with hold_canvas():
                canvas.fill_style = "white"
                canvas.fill_rect(0, 0, SIDE, SIDE)

        def begin(x: float, y: float) -> None:
            self.begin(x, y)
            canvas.stroke_line(x, y, x + 0.1, y)

        def move(x: float, y: float) -> None:
            if self.drawing:
                canvas.stroke_line(*self.strokes[-1][-1], x, y)
                self.move(x, y)

        def first(touches: Sequence[tuple[float, float]]) -> tuple[float, float]:
            return tuple(touches[0])

        canvas.on_mouse_down(begin)
        canvas.on_mouse_move(move)
        canvas.on_touch_start(lambda touches: begin(*first(touches)))
        canvas.on_touch_move(lambda touches: move(*first(touches)))
        for lift in (canvas.on_mouse_up, canvas.on_mouse_out, canvas.on_touch_end, canvas.on_touch_cancel):
            lift(lambda *_: self.end())
        wipe()
        return canvas, wipe


def _inside(x: float, y: float) -> tuple[float, float]:
    return min(max(float(x), 0.0), float(SIDE)), min(max(float(y), 0.0), float(SIDE))


def _thumbnails(sign: str, drawings: Sequence[Drawing]) -> str:
    return "".join(_thumbnail(drawing, f"{sign}, drawing {i}") for i, drawing in enumerate(drawings, start=1))


def _thumbnail(drawing: Drawing, alt: str) -> str:
    lines = "".join(
        f'<polyline points="{" ".join(f"{x:.0f},{y:.0f}" for x, y in [*stroke, stroke[-1]])}"/>' for stroke in drawing
    )
    style = f'fill="none" stroke="black" stroke-width="{PEN}" stroke-linecap="round" stroke-linejoin="round"'
    frame = "background: white; border: 1px solid #7f7f7f; margin-right: 4px; vertical-align: middle"
    about = f'role="img" aria-label="{html.escape(alt)}" width="{THUMB}" height="{THUMB}"'
    return f'<svg {about} viewBox="0 0 {SIDE} {SIDE}" {style} style="{frame}">{lines}</svg>'
