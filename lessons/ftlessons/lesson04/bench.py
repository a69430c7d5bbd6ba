"""The fine-tuning bench: turn the knobs, train within a budget of runs, and open the test set once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ftlessons.classroom.bench import image, slider, still
from ftlessons.classroom.display import as_table, emit
from ftlessons.lesson04 import figures, hyperparameters
from ftlessons.lesson04.figures import plain
from ftlessons.lesson04.hyperparameters import Knobs
from ftlib import plots, results, tasks
from ftlib.metrics import Score
from ftlib.plots import palette
from ftlib.train import TrainingDiverged

DEPTHS = {
    "head": "head only", "layer4": "layer4 and head", "layer3": "layer3 to head", "layer2": "layer2 to head",
    "full": "everything",
}  # fmt: skip
RATES = (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
SCHEDULES = ("constant", "linear", "cosine", "one_cycle")
LABELS = (1, 2, 5, 10)
LOOKS = 5  # at the validation digits during a run


@dataclass
class Run:
    """One run on the board."""

    knobs: Knobs
    budget: int
    curve: list[tuple[int, float]] = field(default_factory=list)
    valid: float | None = None
    seconds: float = 0.0
    note: str = ""


class Bench:
    """The runs so far, the best of them, and the test set, which opens once.

    Args:
        task: name of a task with a pre-trained model.
        runs: how many may be trained.
        target: the score on the validation examples to reach.
    """

    def __init__(self, task: str, runs: int, target: float):
        self.task_name, self.allowed, self.target = task, runs, target
        self.runs: list[Run] = []
        self.test: Score | None = None
        self._best_model: Any = None

    @property
    def best(self) -> Run | None:
        """The run with the highest final validation score; the earlier one of equals."""
        return max((run for run in self.runs if run.valid is not None), key=lambda run: run.valid, default=None)

    @property
    def may_train(self) -> bool:
        """Whether a run is left and the test set still shut."""
        return self.test is None and len(self.runs) < self.allowed

    def train(self, knobs: Knobs, budget: int, watch: Callable[[Run], None] = lambda run: None) -> Run:
        """Train once on the same draw of labels; a repeat gets another head and another order.

        Args:
            watch: called after each look at the validation examples.

        Raises:
            RuntimeError: no run is left, or the test set is open.
        """
        if not self.may_train:
            raise RuntimeError("no run is left: the budget is used up, or the test set is open")
        task, run = tasks.get(self.task_name), Run(knobs, budget)
        seed = sum((before.knobs, before.budget) == (knobs, budget) for before in self.runs)
        self.runs.append(run)

        def look(model: Any) -> Score:
            score = hyperparameters.validate(task, model)
            run.curve.append((min(knobs.steps, (len(run.curve) + 1) * every), score.value))
            watch(run)
            return score

        every = max(1, knobs.steps // LOOKS)
        data = task.sample(budget, seed=0)
        try:
            model, history = hyperparameters.train(knobs, task, data, seed, evaluate=look, evaluate_every=every)
        except TrainingDiverged:
            run.note = "lost: the loss became infinite"
            return run
        before, run.seconds = self.best, history.seconds
        run.valid = run.curve[-1][1]
        if before is None or run.valid > before.valid:
            self._best_model = model
        return run

    def open_test(self) -> Score:
        """Score the best run on the test examples; from then on nothing can be trained.

        Raises:
            RuntimeError: there is no finished run yet.
        """
        if self.best is None:
            raise RuntimeError("there is no finished run to test: train one first")
        if self.test is None:
            self.test = tasks.get(self.task_name).evaluate(self._best_model, "test")
        return self.test

    def status(self) -> str:
        """One sentence: what is used up and how far the target is."""
        said = f"{len(self.runs)} of {self.allowed} runs used."
        if self.best is not None:
            verdict = "reached" if self.best.valid >= self.target else "not reached yet"
            said += f" Best on the validation digits: {self.best.valid:.3f}."
            said += f" The target of {self.target:.3f} is {verdict}."
        if self.test is not None:
            said += f" On the test set, which is open now, that run scores {self.test.value:.3f}."
        return said


def bench(task: str = "digits", runs: int = 12) -> None:
    """Show the bench: five knobs, a button that really trains, and a board that keeps every run.

    The target is the best mean of the recorded runs. Where widgets do not run, the recorded figure of depth
    against rate stands instead.
    """
    table = hyperparameters.runs(results.study("rates"), task, depth=list(DEPTHS))
    target = round(table.groupby(["depth", "lr"]).valid.mean().max(), 3)
    names = {depth: text for depth, text in DEPTHS.items() if (table.depth == depth).any()}
    picture = figures.depth_by_rate(table, "Depth and rate, ten labels per class", names)
    shown = still(picture, f"<p>Target: {target:.3f} on the validation digits.</p>")
    emit(**shown, widget=partial(bench_widget, Bench(task, runs, target)))


def bench_widget(state: Bench) -> Any:
    """The knobs, the two buttons, the live curve and the board as one ipywidgets box."""
    import ipywidgets as widgets

    depth = slider("Train", [(text, name) for name, text in DEPTHS.items()], "full")
    rate = slider("Learning rate", [(plain(value), value) for value in RATES], 1e-3)
    schedule, labels = slider("Schedule", SCHEDULES, "cosine"), slider("Labels per class", LABELS, 10)
    head_first = widgets.Checkbox(value=False, description="Train the head first, alone")
    train = widgets.Button(description="Train", button_style="primary", tooltip="Use up one run")
    test = widgets.Button(description="Open the test set", tooltip="Ends the game", disabled=True)
    curve, kept = widgets.HTML(), widgets.HTML(_board(state))

    def settle() -> None:
        kept.value = _board(state)
        train.disabled = not state.may_train
        test.disabled = state.best is None or state.test is not None

    def press_train(_: Any) -> None:
        train.disabled, test.disabled, train.description = True, True, "Training ..."
        knobs = Knobs(depth=depth.value, lr=rate.value, schedule=schedule.value, head_first=head_first.value)
        try:
            state.train(knobs, labels.value, lambda run: setattr(curve, "value", _curve(state)))
        finally:
            train.description = "Train"
            settle()

    def press_test(_: Any) -> None:
        state.open_test()
        settle()

    train.on_click(press_train)
    test.on_click(press_test)
    return widgets.VBox([depth, head_first, rate, schedule, labels, widgets.HBox([train, test]), curve, kept])


def _curve(state: Bench) -> str:
    """The validation score along the newest run, with the earlier ones in grey."""
    fig, ax = plots.figure("Validation accuracy during the run", "optimizer step", "accuracy", size=(6.4, 2.6))
    for run in state.runs[:-1]:
        ax.plot(*zip(*run.curve, strict=True), color=palette.FAINT, linewidth=1) if run.curve else None
    newest = state.runs[-1].curve
    ax.plot(*zip(*newest, strict=True), color=plots.COLOURS[0], marker="o")
    ax.axhline(state.target, linestyle="--", linewidth=1, color=plots.COLOURS[1])
    ax.text(0, state.target, "target", va="bottom", fontsize="small")
    ax.set_xlim(0, state.runs[-1].knobs.steps)
    lowest = min(score for run in state.runs for _, score in run.curve)
    ax.set_ylim(max(0, min(lowest, state.target) - 0.05), 1)
    alt = f"Validation accuracy of the newest run: {newest[-1][1]:.3f} after {newest[-1][0]} steps."
    return image(plots.Picture(fig, alt))


def _board(state: Bench) -> str:
    if not state.runs:
        return (f"<p>Your target is <b>{state.target:.3f}</b> on the validation digits, and you have {state.allowed} "
                "runs. Turn the knobs and press <b>Train</b>.</p>")  # fmt: skip
    names = ("run", "trained", "rate", "schedule", "labels per class", "validation", "seconds", "note")
    rows = [_row(number, run, run is state.best) for number, run in enumerate(state.runs, start=1)]
    return f'<div role="status">{state.status()}</div>{as_table(names, rows)}'


def _row(number: int, run: Run, is_best: bool) -> tuple[object, ...]:
    score = f"{run.valid:.3f}" if run.valid is not None else "-"
    note = run.note or ("best so far" if is_best else "")
    trained = DEPTHS[run.knobs.depth] + ", head first" * run.knobs.head_first
    return number, trained, plain(run.knobs.lr), run.knobs.schedule, run.budget, score, f"{run.seconds:.1f}", note
