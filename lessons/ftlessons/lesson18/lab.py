"""The bench: a broken run, a purse of seconds, a menu of tests. In buttons, and in plain code."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

from ftlessons.classroom.bench import image, still
from ftlessons.classroom.display import as_table, emit, rich
from ftlessons.lesson18 import curves, runs
from ftlessons.lesson18.cases import CAUSES, HEADER, Case, case
from ftlessons.lesson18.menu import TESTS, Evidence
from ftlessons.lesson18.runs import Run
from ftlib import plots

PURSE = 240  # seconds of a person's time for one case: about a third of the whole menu


@lru_cache(maxsize=2)
def broken(name: str) -> Run:
    """The broken run of a case with seed 0; the last two are kept, for each holds a network."""
    return case(name).run(0)


class Bench:
    """One case to be solved: ``buy`` tests, then ``script`` with the name of the cause shows the code.

    Attributes:
        left: seconds that are left in the purse.
        bought: names of the tests so far, in their order.
    """

    def __init__(self, name: str) -> None:
        self.case: Case = case(name)
        self.run, self.left, self.bought, self.named = broken(name), PURSE, [], None

    def picture(self) -> plots.Picture:
        """The loss of the run, under its reported score."""
        title = f"Reported score: {self.run.score:.2f}"
        return curves.draw(self.run.history.loss, self.run.task.n_outputs, self.case.domain != "robotics", title)

    def buy(self, test: str) -> None:
        """Pay for a test and show what it sees; one that was paid for costs nothing a second time.

        Raises:
            ValueError: there is no such test, or the purse is too small; the sentence says what is there.
        """
        show(self.evidence(test), TESTS[test].title)
        print(f"{self.left} seconds are left.")

    def evidence(self, test: str) -> Evidence:
        """What ``buy`` shows."""
        if test not in TESTS:
            raise ValueError(f"there is no test {test!r}: choose from {', '.join(TESTS)}")
        price = 0 if test in self.bought else TESTS[test].seconds
        if price > self.left:
            raise ValueError(f"{test!r} takes {price} seconds, and {self.left} are left: name the cause now")
        self.left -= price
        self.bought += [test] * bool(price)
        return TESTS[test].look(self.run, partial(self.case.run, fault=True))

    def script(self, cause: str) -> None:
        """Name the cause, and see the colleague's code with numbered lines.

        Raises:
            ValueError: the cause is not on the board.
        """
        if cause not in CAUSES:
            raise ValueError(f"there is no cause {cause!r} on the board: choose from {', '.join(CAUSES)}")
        self.named = cause
        print("\n".join(f"{n:2} {line}" for n, line in enumerate(self.case.text().splitlines(), 1)))


def open_case(name: str) -> Bench:
    """Show a case: the story, the curve, the menu; buttons where widgets run, and the same in ``buy``.

    Raises:
        ValueError: there is no such case.
    """
    bench = Bench(name)
    picture = bench.picture()
    before = f"<p>{rich(bench.case.story)}</p>"
    after = f"<p>You have {PURSE} seconds.</p>" + menu() + "<p>What it may be:</p>" + causes()
    shown = still(picture, before)
    shown["plain"] = f"{bench.case.story}\n{shown['plain']}"
    shown["text/html"] += after
    emit(**shown, widget=partial(widget, bench, before + shown["text/html"].removeprefix(before)))
    return bench


def menu() -> str:
    """The tests and their prices as an HTML table."""
    return as_table(("test", "what it shows", "seconds"), [(k, t.title, t.seconds) for k, t in TESTS.items()], (0, 1))


def causes() -> str:
    """The causes by their short names as an HTML table."""
    return as_table(("cause", "what it would be"), [(key, what) for key, (what, _) in CAUSES.items()], (0, 1))


def mend(name: str, line: int, new: str) -> str:
    """The colleague's script with another line; ``new`` may hold several.

    Raises:
        ValueError: there is no such line.
    """
    lines = case(name).text().splitlines()
    if not 1 <= line <= len(lines):
        raise ValueError(f"the script has lines 1 to {len(lines)}, and none is number {line}")
    indent = lines[line - 1][: len(lines[line - 1]) - len(lines[line - 1].lstrip())]
    lines[line - 1] = "\n".join(indent + part.strip() for part in new.strip().splitlines())
    return "\n".join(lines) + "\n"


def rerun(name: str, line: int, new: str, seed: int = 0) -> Run:
    """Run the mended script.

    Raises:
        ValueError: there is no such line, or the script stops; the sentence says where.
    """
    return runs.run(HEADER + mend(name, line, new), seed)


def show(evidence: Evidence, title: str = "") -> None:
    """Print what a test saw, and draw its picture."""
    print(f"{title.capitalize()}.\n{evidence.text}" if title else evidence.text)
    if evidence.picture is not None:
        emit(**still(evidence.picture))


def widget(bench: Bench, opening: str) -> Any:
    """A button for each test, what was bought, and the purse, as one ipywidgets box."""
    import ipywidgets

    purse, seen = ipywidgets.HTML(), ipywidgets.HTML()
    buttons, parts = [], []

    def tell() -> None:
        purse.value = f'<p role="status"><b>{bench.left} seconds are left.</b></p>'
        for key, button in zip(TESTS, buttons, strict=True):
            button.disabled = key in bench.bought or TESTS[key].seconds > bench.left

    def press(key: str) -> Callable[[Any], None]:
        def pressed(_: Any) -> None:
            found = bench.evidence(key)
            text = "<br>".join(rich(line) for line in found.text.splitlines())
            parts.append(f"<h4>{TESTS[key].title}</h4><p>{text}</p>" + (image(found.picture) if found.picture else ""))
            seen.value = "".join(parts)
            tell()

        return pressed

    for key, test in TESTS.items():
        button = ipywidgets.Button(description=f"{key}: {test.seconds} s", tooltip=test.title)
        button.on_click(press(key))
        buttons.append(button)
    tell()
    rows = ipywidgets.HBox(buttons, layout=ipywidgets.Layout(flex_flow="row wrap"))
    return ipywidgets.VBox([ipywidgets.HTML(opening), rows, purse, seen])
